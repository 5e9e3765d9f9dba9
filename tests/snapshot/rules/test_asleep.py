"""Rule: what bills without being used exists only while Hosting is awake, or was asked for by a setting."""

from collections.abc import Iterator

import pytest

from tests.snapshot.rules.rule_samples import stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere

BILLS = (
    *("AWS::SageMaker::Endpoint", "AWS::SageMaker::InferenceComponent"),
    *("AWS::EC2::Instance", "AWS::SecretsManager::Secret", "AWS::RDS::DBInstance"),
)
"""Types that bill by the hour or month. A key of one's own does too, which its setting says; and so does a
notebook instance, which stops when it is idle (test_notebook.py)."""

AWAKE = ("Awake", "Adapted")
"""The conditions of Hosting; Adapted implies Awake, which test_invariants.py proves."""


def violations(stacks: Templates) -> Iterator[str]:
    for type_ in BILLS:
        for place, resource in everywhere(stacks, type_):
            if resource.get("Condition") not in AWAKE:
                yield f"{place}: {type_} bills while asleep"
    for place, endpoint in everywhere(stacks, "AWS::EC2::VPCEndpoint"):
        if endpoint["Properties"]["VpcEndpointType"] != "Gateway":
            yield f"{place}: an interface endpoint bills by the hour"
    for place, function in everywhere(stacks, "AWS::Lambda::Version"):
        if "ProvisionedConcurrencyConfig" in function["Properties"]:
            yield f"{place}: provisioned concurrency bills by the hour"


@pytest.mark.parametrize(
    "stacks",
    [
        stacks_with("AWS::SageMaker::Endpoint", {}, Condition="Awake"),
        stacks_with("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}),
    ],
)
def test_what_sleeps_or_is_free_complies(stacks: Templates) -> None:
    assert list(violations(stacks)) == []


@pytest.mark.parametrize(
    "stacks",
    [
        stacks_with("AWS::SageMaker::Endpoint", {}),
        stacks_with("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Interface"}),
        stacks_with("AWS::Lambda::Version", {"ProvisionedConcurrencyConfig": {}}),
    ],
)
def test_what_bills_does_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
