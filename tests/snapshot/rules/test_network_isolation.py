"""Rule: no container of SageMaker reaches a network, and instances of one job talk in secret."""

from collections.abc import Iterator
from typing import Any

from tests.snapshot.rules.rule_samples import definition_with, stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere, training_job


def violations(stacks: Templates) -> Iterator[str]:
    for place, model in everywhere(stacks, "AWS::SageMaker::Model"):
        if model["Properties"].get("EnableNetworkIsolation") is not True:
            yield f"{place}: a model without network isolation"
    for place, config in everywhere(stacks, "AWS::SageMaker::EndpointConfig"):
        properties = config["Properties"]
        # Variants for components name no model, so it is the config that isolates.
        named = all("ModelName" in variant for variant in properties["ProductionVariants"])
        if not named and properties.get("EnableNetworkIsolation") is not True:
            yield f"{place}: components without network isolation"
    job = training_job(stacks)
    if job.get("EnableNetworkIsolation") is not True:
        yield "CreateTrainingJob: a job without network isolation"
    several = job["ResourceConfig"]["InstanceCount"] > 1
    if several and job.get("EnableInterContainerTrafficEncryption") is not True:
        yield "CreateTrainingJob: several instances that talk in the clear"


def test_isolated_containers_comply() -> None:
    config = {"EnableNetworkIsolation": True, "ProductionVariants": [{"VariantName": "v"}]}
    stacks = stacks_with("AWS::SageMaker::EndpointConfig", config) | definition_with()
    assert list(violations(stacks)) == []


def test_open_containers_do_not() -> None:
    config = {"ProductionVariants": [{"VariantName": "v"}]}
    job: dict[str, Any] = {"EnableNetworkIsolation": False, "ResourceConfig": {"InstanceCount": 2}}
    stacks = (
        stacks_with("AWS::SageMaker::Model", {}, stack="Storage")
        | stacks_with("AWS::SageMaker::EndpointConfig", config)
        | definition_with(**job)
    )
    assert len(list(violations(stacks))) == 4
