"""Rule: a stack that a role of this project changes has no parameter that CloudFormation reads from SSM.

It would be read with that role's rights at every change (facts: docs/decisions/hosting-parameter.md).
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.snapshot.snapshot_synth import Templates, as_list, joined, statements

CHANGES = {"cloudformation:UpdateStack", "cloudformation:CreateChangeSet", "cloudformation:CreateStack"}


def violations(stacks: Templates) -> Iterator[str]:
    changed = {
        joined(resource)
        for _, statement in statements(stacks)
        if CHANGES & set(as_list(statement.get("Action", [])))
        for resource in as_list(statement["Resource"])
    }
    for stack, template in stacks.items():
        if not any(arn == "*" or f"-{stack}/" in arn for arn in changed):
            continue
        for name, parameter in template.get("Parameters", {}).items():
            if str(parameter["Type"]).startswith("AWS::SSM::Parameter::Value<"):
                yield f"{stack}: {name} is {parameter['Type']}"


def stacks(type_: str, *, changed: str = "arn:aws:cloudformation:<Region>:1:stack/P-Hosting/*") -> Templates:
    statement = {"Effect": "Allow", "Action": ["cloudformation:UpdateStack"], "Resource": changed}
    role = {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}
    return {
        "Guardrails": {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}},
        "Hosting": {"Resources": {}, "Parameters": {"Version": {"Type": type_}}},
    }


@pytest.mark.parametrize(
    "given",
    [
        stacks("String"),
        stacks("AWS::SSM::Parameter::Name"),
        stacks("AWS::SSM::Parameter::Value<String>", changed="arn:aws:cloudformation:eu:1:stack/P-Other/*"),
    ],
)
def test_plain_parameters_and_stacks_left_alone_comply(given: Templates) -> None:
    assert list(violations(given)) == []


@pytest.mark.parametrize("more", [{}, {"changed": "*"}])
def test_a_parameter_read_from_ssm_does_not(more: dict[str, Any]) -> None:
    assert list(violations(stacks("AWS::SSM::Parameter::Value<String>", **more)))
