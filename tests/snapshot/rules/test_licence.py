"""Rule: the licence is accepted for gated weights, and for nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.endpoint.weights import is_gated
from tests.snapshot.rules.rule_samples import definition_with, stacks_with
from tests.snapshot.snapshot_synth import Templates, joined, training_job


def violations(stacks: Templates) -> Iterator[str]:
    for place, found in [*stacks.items(), ("CreateTrainingJob", training_job(stacks))]:
        for source in sources(found):
            uri = joined(source["S3Uri"]) if "S3Uri" in source else "a path"
            accepted = source.get("ModelAccessConfig", {}).get("AcceptEula") is True
            if accepted != is_gated(uri):
                yield f"{place}: {uri} {'carries' if accepted else 'lacks'} the licence"


def sources(part: Any) -> Iterator[dict[str, Any]]:
    """Every S3DataSource, at any depth."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "S3DataSource":
                yield value
            yield from sources(value)
    elif isinstance(part, list):
        for value in part:
            yield from sources(value)


GATED = {
    "S3Uri": "s3://jumpstart-private-cache-prod-us-east-1/llama/",
    "ModelAccessConfig": {"AcceptEula": True},
}
OWN = {"S3Uri": "s3://own/llama/"}


def channel(source: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"ChannelName": "model", "DataSource": {"S3DataSource": source}}]


@pytest.mark.parametrize("source", [GATED, OWN])
def test_the_licence_where_it_belongs_complies(source: dict[str, Any]) -> None:
    container = {"PrimaryContainer": {"ModelDataSource": {"S3DataSource": source}}}
    stacks = stacks_with("AWS::SageMaker::Model", container)
    assert list(violations(stacks | definition_with(InputDataConfig=channel(source)))) == []


@pytest.mark.parametrize(
    "source", [{"S3Uri": GATED["S3Uri"]}, {**OWN, "ModelAccessConfig": {"AcceptEula": True}}]
)
def test_the_licence_missing_or_too_many_does_not(source: dict[str, Any]) -> None:
    container = {"PrimaryContainer": {"ModelDataSource": {"S3DataSource": source}}}
    stacks = stacks_with("AWS::SageMaker::Model", container)
    assert len(list(violations(stacks | definition_with(InputDataConfig=channel(source))))) == 2
