"""What makes `cdk destroy` leave nothing that bills: a custom resource whose deletion cleans up first."""

from __future__ import annotations

from aws_cdk import CustomResource, Duration
from constructs import Construct, IDependable

from core.names import Names

MAX_MINUTES = 15  # as long as a Lambda function may run; CloudFormation's own limit would be an hour


class CleanUpOnDelete(Construct):
    """Custom resource that does nothing until it is deleted; then the teardown function stops what runs.

    Args:
        function_arn: the teardown function.
        names: what the deployment is called.
        state_machine_arn: whose executions and jobs to stop; none if left out.
        model_package_group: the group to empty, since one with packages cannot be deleted; none if left out.
        endpoints_too: also delete the project's endpoints that no stack owns, or that Hosting left behind.
        before: resources that must outlive the cleaning: they are made before this and deleted after it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_arn: str,
        names: Names,
        state_machine_arn: str | None = None,
        model_package_group: str | None = None,
        endpoints_too: bool = False,
        before: list[IDependable],
    ) -> None:
        super().__init__(scope, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::CleanUpOnDelete",
            service_token=function_arn,
            service_timeout=Duration.minutes(MAX_MINUTES),
            properties={
                "Project": names.project,
                **({"HostingStack": names.stack("Hosting")} if endpoints_too else {}),
                **({"StateMachineArn": state_machine_arn} if state_machine_arn else {}),
                **({"ModelPackageGroup": model_package_group} if model_package_group else {}),
            },
        )
        resource.node.add_dependency(*before)
