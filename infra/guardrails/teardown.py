"""The teardown function, what it may do, and the custom resource that calls it before a stack is deleted."""

from collections.abc import Mapping

from aws_cdk import CustomResource, Duration
from constructs import Construct, IDependable

from infra.arns import Arns
from infra.permissions import ANYTHING, Statement, allow, end_scaling, owned
from infra.project_stack import ProjectStack

MAX_MINUTES = 15  # as long as a Lambda function may run; CloudFormation's own limit would be an hour


class CleanUpOnDelete(Construct):
    """Custom resource that does nothing until it is deleted; then the teardown function stops what runs.

    Args:
        function_arn: the teardown function.
        properties: what to end besides the project's jobs: those of `lambdas.teardown.handler`.
        before: resources that must outlive the cleaning: they are made before this and deleted after it.
    """

    def __init__(
        self,
        stack: ProjectStack,
        construct_id: str,
        *,
        function_arn: str,
        properties: Mapping[str, str],
        before: list[IDependable],
    ) -> None:
        super().__init__(stack, construct_id)
        resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::CleanUpOnDelete",
            service_token=function_arn,
            service_timeout=Duration.minutes(MAX_MINUTES),
            properties={"Project": stack.names.project, **properties},
        )
        resource.node.add_dependency(*before)


def teardown(arns: Arns, *, private_network: bool) -> list[Statement]:
    """Stop the project's executions and jobs, delete its model packages and unowned endpoints."""
    return [
        *([allow(["ec2:DescribeNetworkInterfaces"], ANYTHING)] if private_network else []),
        allow(["states:ListExecutions"], [arns.state_machine]),
        allow(["states:StopExecution"], [arns.executions]),
        allow(
            [
                "sagemaker:ListTrainingJobs",
                "sagemaker:ListModelPackages",
                "sagemaker:ListEndpoints",
                "sagemaker:ListInferenceComponents",
                "sagemaker:ListTags",
                "cloudformation:DescribeStackResources",
            ],
            ANYTHING,
        ),
        *end_scaling(),
        allow(["cloudformation:DescribeStacks"], [arns.hosting_stack]),
        allow(["sagemaker:StopTrainingJob"], [arns.training_jobs], owned(arns)),
        allow(
            ["sagemaker:DeleteModelPackage"],
            [arns.sagemaker(f"model-package/{arns.names.model_package_group}/*")],
        ),
        allow(["sagemaker:DescribeEndpoint"], [arns.sagemaker("endpoint/*")]),
        allow(["sagemaker:DeleteEndpoint"], [arns.sagemaker("endpoint/*")], owned(arns)),
        # Components on the project's endpoint need not carry the tag, and block the endpoint's deletion.
        allow(["sagemaker:DeleteInferenceComponent"], [arns.sagemaker("inference-component/*")]),
    ]
