"""Rule: a stack that a role of this project changes has nothing that CloudFormation reads from elsewhere.

It would be read with that role's rights at every change (facts: docs/decisions/hosting-parameter.md): a
parameter of SSM's types, or a dynamic reference.
"""

import json
import re
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
        for reference in re.findall(r"\{\{resolve:[^}]*\}\}", json.dumps(template)):
            yield f"{stack}: {reference}"


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


@pytest.mark.parametrize("type_", ["List<String>", "CommaDelimitedList", "AWS::EC2::Image::Id"])
def test_nor_does_one_of_another_type(type_: str) -> None:
    assert list(violations(stacks(f"AWS::SSM::Parameter::Value<{type_}>")))


@pytest.mark.parametrize("kind", ["ssm:/a/b", "ssm-secure:/a/b:1", "secretsmanager:name"])
def test_nor_does_a_dynamic_reference(kind: str) -> None:
    given = stacks("String")
    given["Hosting"]["Resources"] = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": f"{{{{resolve:{kind}}}}}"}}
    }
    assert list(violations(given))
