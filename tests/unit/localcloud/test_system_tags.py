"""The types that CloudFormation tags are those of its public schemas."""

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from ministack.services.cloudformation import provisioners

from localcloud.cloudformation import SAGEMAKER_TYPES, WITHOUT_SYSTEM_TAGS


def test_the_list_is_that_of_the_schemas() -> None:
    ours = {f"AWS::SageMaker::{each.kind}" for each in SAGEMAKER_TYPES}
    known = PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1")
    untagged = {
        name
        for name in {*provisioners._STACK_TAG_PROPERTY, *ours} & set(known)
        if PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name)
        .schema.get("tagging", {})
        .get("cloudFormationSystemTags")
        is False
    }
    assert untagged == WITHOUT_SYSTEM_TAGS
