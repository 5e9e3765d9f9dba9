"""Guardrails for other accounts needs nothing of the account that it was made in."""

import json

import pytest

from infra.guardrails.stackset import self_contained
from tests.snapshot.snapshot_synth import Templates


def test_it_takes_its_code_from_one_account_and_needs_no_bootstrap(aws: Templates) -> None:
    template = self_contained(aws["Guardrails"], "111122223333")
    text = json.dumps(template)
    assert "Parameters" not in template and "Rules" not in template and "cdk-bootstrap" not in text
    buckets = {
        found["Properties"]["Code"]["S3Bucket"]
        for found in template["Resources"].values()
        if found["Type"] == "AWS::Lambda::Function"
    }
    assert buckets == {"cdk-hnb659fds-assets-111122223333-us-east-1"}
    assert len(template["Resources"]) == len(aws["Guardrails"]["Resources"])


def test_a_stack_that_needs_another_is_refused() -> None:
    with pytest.raises(ValueError, match="parameters or imports"):
        self_contained({"Resources": {"A": {"Value": {"Fn::ImportValue": "x"}}}}, "111122223333")
