"""Brings what CDK adds to a stack to empty a bucket before its deletion under this project's rules.

The function comes from CDK as bare resources, without tags, with a managed policy and with a log group that
Lambda would make, kept for ever.
"""

from typing import cast

from aws_cdk import CfnResource
from constructs import Construct, IConstruct

from core.names import PROJECT_TAG
from infra.permissions import write_own_log
from infra.project_stack import ProjectStack
from infra.retention import project_log_group

_PROVIDER = "Custom::S3AutoDeleteObjectsCustomResourceProvider"


class GovernedEmptying(Construct):
    """Gives the emptying function of the stack a log group, its own few permissions, and the project's tag.

    Args:
        purpose: what the function's log is called after, such as `empty-storage`.
        key_arn: of the key that encrypts the log.
    """

    def __init__(self, stack: ProjectStack, construct_id: str, *, purpose: str, key_arn: str | None) -> None:
        super().__init__(stack, construct_id)
        arns = stack.arns
        provider = stack.node.try_find_child(_PROVIDER)
        if provider is None:
            return  # the buckets are kept
        name = arns.names.function_log(purpose)
        log_group = project_log_group(self, "Log", name=name, key_arn=key_arn)
        role, function = _resource(provider, "Role"), _resource(provider, "Handler")
        role.add_property_deletion_override("ManagedPolicyArns")
        document = {"Version": "2012-10-17", "Statement": [write_own_log(arns, name)]}
        role.add_property_override("Policies", [{"PolicyName": "Log", "PolicyDocument": document}])
        function.add_property_override("LoggingConfig", {"LogGroup": log_group.log_group_name})
        for resource in (role, function):
            # CDK's bare resources inherit no tags.
            tags = {PROJECT_TAG: arns.names.project, **stack.settings.tags}
            resource.add_property_override("Tags", [{"Key": k, "Value": v} for k, v in tags.items()])


def _resource(provider: IConstruct, construct_id: str) -> CfnResource:
    return cast(CfnResource, provider.node.find_child(construct_id))
