"""Rule: no managed policy. AWS's are wider than any one role needs, AmazonSageMakerFullAccess above all."""

from collections.abc import Iterator

from tests.snapshot.rules.rule_samples import stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere, joined


def violations(stacks: Templates) -> Iterator[str]:
    for place, role in everywhere(stacks, "AWS::IAM::Role"):
        for policy in role["Properties"].get("ManagedPolicyArns", []):
            yield f"{place}: {joined(policy)}"


def test_a_role_with_statements_of_its_own_complies() -> None:
    assert list(violations(stacks_with("AWS::IAM::Role", {"Policies": []}))) == []


def test_full_access_does_not() -> None:
    policies = ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]
    assert list(violations(stacks_with("AWS::IAM::Role", {"ManagedPolicyArns": policies})))
