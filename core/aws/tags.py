"""Reads tags and owners: in bulk from the index, one resource at a time from SageMaker and CloudFormation."""

from collections.abc import Mapping
from typing import Any

from core.aws.calls import items_of
from core.aws.errors import if_there
from core.names import STACK_ID_TAG, STACK_NAME_TAG, STACK_TAG

Tags = Mapping[str, str]


def owning_stack(tags: Tags) -> str:
    """Return the name of the stack that a resource's tags name; empty if they name none.

    CloudFormation tags many types but not endpoints, so this project's templates add their own tag.
    """
    name = tags.get(STACK_TAG, "") or tags.get(STACK_NAME_TAG, "")
    stack_id = tags.get(STACK_ID_TAG, "")
    return name or (stack_id.split("/")[1] if stack_id.count("/") >= 2 else stack_id)


def owner_of(cloudformation: Any, arn: str, tags: Tags) -> str:
    """Return the name of the stack that holds an endpoint, by its tags or by CloudFormation; empty if none.

    Raises:
        ClientError: the tags name none, and CloudFormation gave no answer.
    """
    if stack := owning_stack(tags):
        return stack
    answer = if_there(lambda: cloudformation.describe_stack_resources(PhysicalResourceId=arn))
    return next((str(row["StackName"]) for row in answer["StackResources"]), "") if answer else ""


def indexed_tags(tagging: Any, resource_type: str) -> dict[str, dict[str, str]]:
    """Tags by ARN of all resources of a type, 100 a call, from the Resource Groups Tagging API.

    The index lags and leaves out resources that were never tagged: an ARN that is not in it proves nothing.
    """
    entries = items_of(
        tagging.get_resources,
        "ResourceTagMappingList",
        token="PaginationToken",
        ResourceTypeFilters=[resource_type],
        ResourcesPerPage=100,
    )
    return {entry["ResourceARN"]: as_mapping(entry.get("Tags", [])) for entry in entries}


def list_tags(sagemaker: Any, arn: str) -> dict[str, str]:
    """Tags of one SageMaker resource as they are now."""
    return as_mapping(items_of(sagemaker.list_tags, "Tags", ResourceArn=arn, MaxResults=100))


def as_mapping(tags: list[dict[str, str]]) -> dict[str, str]:
    """AWS's list of {Key, Value} pairs as a mapping."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}
