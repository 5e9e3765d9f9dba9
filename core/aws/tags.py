"""Reads tags in two ways: in bulk from the index, and one resource at a time from SageMaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.aws.calls import pages
from core.names import STACK_ID_TAG, STACK_NAME_TAG

Tags = Mapping[str, str]


def owning_stack(tags: Tags) -> str:
    """The name of the CloudFormation stack that a resource belongs to; empty if none."""
    name = tags.get(STACK_NAME_TAG, "")
    stack_id = tags.get(STACK_ID_TAG, "")
    return name or (stack_id.split("/")[1] if stack_id.count("/") >= 2 else stack_id)


def indexed_tags(tagging: Any, resource_type: str) -> dict[str, dict[str, str]]:
    """Tags by ARN of all resources of a type, 100 a call, from the Resource Groups Tagging API.

    The index lags and leaves out resources that were never tagged: an ARN that is not in it proves nothing.
    """
    found: dict[str, dict[str, str]] = {}
    for answer in pages(
        tagging.get_resources,
        token="PaginationToken",
        ResourceTypeFilters=[resource_type],
        ResourcesPerPage=100,
    ):
        for entry in answer.get("ResourceTagMappingList", []):
            found[entry["ResourceARN"]] = as_mapping(entry.get("Tags", []))
    return found


def list_tags(sagemaker: Any, arn: str) -> dict[str, str]:
    """Tags of one SageMaker resource as they are now."""
    found: dict[str, str] = {}
    for answer in pages(sagemaker.list_tags, ResourceArn=arn, MaxResults=100):
        found |= as_mapping(answer.get("Tags", []))
    return found


def as_mapping(tags: list[dict[str, str]]) -> dict[str, str]:
    """AWS's list of {Key, Value} as a mapping."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}
