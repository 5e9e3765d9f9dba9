"""Rule: every resource that can carry tags carries the project's."""

from collections.abc import Iterator
from functools import cache

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from core.names import PROJECT_TAG
from tests.snapshot.rules.rule_samples import stacks_with
from tests.snapshot.snapshot_synth import Templates


def violations(stacks: Templates) -> Iterator[str]:
    for stack, template in stacks.items():
        for name, resource in template["Resources"].items():
            member = tag_property(resource["Type"])
            if member and not tagged(resource["Properties"].get(member, [])):
                yield f"{stack}/{name}: {resource['Type']} without {PROJECT_TAG}"


@cache
def tag_property(type_: str) -> str | None:
    """The property with a type's tags, by CloudFormation's own schema; None if it takes none."""
    if not type_.startswith("AWS::"):
        return None
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region="us-east-1", resource_type=type_).schema
    tagging = schema.get("tagging", {})
    return str(tagging["tagProperty"]).rpartition("/")[2] if tagging.get("taggable") else None


def tagged(tags: object) -> bool:
    """Whether the project's tag is there; CloudFormation has tags as pairs, for some types as an object."""
    return (
        any(tag["Key"] == PROJECT_TAG for tag in tags) if isinstance(tags, list) else PROJECT_TAG in str(tags)
    )


def test_a_tagged_resource_and_one_that_takes_none_comply() -> None:
    tags = {"Tags": [{"Key": PROJECT_TAG, "Value": "FinExpert"}]}
    assert list(violations(stacks_with("AWS::SQS::Queue", tags))) == []
    assert list(violations(stacks_with("AWS::SQS::QueuePolicy", {}))) == []


def test_a_resource_without_the_tag_does_not() -> None:
    assert list(violations(stacks_with("AWS::SQS::Queue", {"Tags": [{"Key": "other", "Value": "x"}]})))
    assert list(violations(stacks_with("AWS::Logs::LogGroup", {})))
