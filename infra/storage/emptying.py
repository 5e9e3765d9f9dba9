"""Brings what CDK adds to a stack to empty a bucket before its deletion under this project's rules.

The function comes from CDK as bare resources, without tags, with a managed policy and with a log group that
Lambda would make, kept for ever.
"""

from collections.abc import Mapping
from typing import cast

from aws_cdk import CfnResource, Stack
from constructs import Construct, IConstruct

from core.names import PROJECT_TAG
from infra.arns import Arns
from infra.permissions import write_own_log
from infra.retention import project_log_group

_PROVIDER = "Custom::S3AutoDeleteObjectsCustomResourceProvider"


class GovernedEmptying(Construct):
    """Gives the emptying function of the stack a log group, its own few permissions, and the project's tag.

    Args:
        arns: names and ARNs of the deployment.
        purpose: what the function's log is called after, such as `empty-storage`.
        key_arn: of the key that encrypts the log.
        required_tags: those of the setting `tags`, which CDK's bare resources do not inherit.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        arns: Arns,
        purpose: str,
        key_arn: str | None,
        required_tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        provider = Stack.of(self).node.try_find_child(_PROVIDER)
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
            tags = {PROJECT_TAG: arns.names.project, **required_tags}
            resource.add_property_override("Tags", [{"Key": k, "Value": v} for k, v in tags.items()])


def _resource(provider: IConstruct, construct_id: str) -> CfnResource:
    return cast(CfnResource, provider.node.find_child(construct_id))
