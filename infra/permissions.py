"""Statements of IAM policies, and the roles that hold them.

Each function's own statements stand beside its construct; lambdas/README.md has all of them as a table.
Resource `*` stands only where the action has nothing narrower: SageMaker's and CloudFormation's List actions,
the tagging API, CloudWatch's metric reads and writes, and Application Auto Scaling, whose targets have no
project's name.
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from core.endpoint.hosting import RESOURCE_TYPES
from core.names import METRIC_NAMESPACE, PROJECT_TAG
from infra.arns import Arns

ANYTHING = ["*"]

Statement = dict[str, Any]
"""One statement of a policy document."""


class ServiceRole(Construct):
    """A role for one AWS service, such as `lambda.amazonaws.com`, with exactly the permissions given.

    They are part of the role itself: what waits for the role waits for them, and they go together.

    Args:
        for_own_account: the service says for which account it takes the role, and may for this one only. Its
            documentation must have that ("confused deputy"): that of SageMaker's training jobs and endpoints
            and of Step Functions has; that of notebook instances and Lambda has not.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        permissions: Sequence[Statement],
        description: str | None = None,
        name: str | None = None,
        for_own_account: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        document = {"Version": "2012-10-17", "Statement": list(permissions)}
        own = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(service, conditions=own if for_own_account else None),
            description=description,
            role_name=name,
            inline_policies={"Permissions": iam.PolicyDocument.from_json(document)},
        )


def allow(
    actions: Sequence[str], resources: Sequence[str], conditions: dict[str, dict[str, Any]] | None = None
) -> Statement:
    """A statement that allows `actions` on `resources` under `conditions`."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**statement, "Condition": conditions} if conditions else statement


def write_own_log(arns: Arns, log_group_name: str) -> Statement:
    """Write to one log group."""
    return allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"], [arns.of("logs", f"log-group:{log_group_name}:*")]
    )


def owned(arns: Arns) -> dict[str, dict[str, str]]:
    """The condition that a resource carries the project's tag."""
    return {"StringEquals": {f"aws:ResourceTag/{PROJECT_TAG}": arns.names.project}}


def switch_hosting(arns: Arns) -> list[Statement]:
    """Wake the Hosting stack and put it to sleep, and nothing more.

    UpdateStack alone would be an administrator's right: it takes any template, and CloudFormation carries it
    out with the role of the last deployment. So the request must name the role that can only make and remove
    the endpoint, and the endpoint's resource types.
    """
    return [
        allow(
            ["cloudformation:UpdateStack"],
            [arns.hosting_stack],
            {
                "StringEquals": {"cloudformation:RoleArn": arns.hosting_role},
                "Null": {"cloudformation:TemplateUrl": "true", "cloudformation:ResourceTypes": "false"},
                "ForAllValues:StringEquals": {"cloudformation:ResourceTypes": list(RESOURCE_TYPES)},
            },
        ),
        pass_role(arns.hosting_role, "cloudformation"),
    ]


def pass_role(role_arn: str, service: str) -> Statement:
    """Hand a role to one AWS service, such as `sagemaker`."""
    to_service = {"iam:PassedToService": f"{service}.amazonaws.com"}
    return allow(["iam:PassRole"], [role_arn], {"StringEquals": to_service})


def end_scaling() -> list[Statement]:
    """See which of SageMaker's targets scale by themselves, and end that before one of them is deleted."""
    return [
        allow(["application-autoscaling:DescribeScalableTargets"], ANYTHING),
        allow(
            ["application-autoscaling:DeregisterScalableTarget"],
            ANYTHING,
            {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
        ),
    ]


def ask_endpoint(arns: Arns) -> Statement:
    """Ask the models of Hosting's endpoint."""
    return allow(["sagemaker:InvokeEndpointWithResponseStream"], arns.served)


def put_own_metrics() -> Statement:
    """Publish metrics in this project's namespace."""
    return allow(
        ["cloudwatch:PutMetricData"], ANYTHING, {"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}}
    )


def month_to_date(arns: Arns) -> list[Statement]:
    """See what ran this month, what runs now, and what AWS estimates: what was spent."""
    return [
        allow(
            [
                "sagemaker:ListTrainingJobs",
                "sagemaker:ListEndpoints",
                "sagemaker:ListNotebookInstances",
                "sagemaker:ListProcessingJobs",
                "sagemaker:ListApps",
                "sagemaker:ListTags",
                "tag:GetResources",
                "cloudformation:ListStacks",
                "cloudtrail:LookupEvents",
                "cloudwatch:GetMetricData",
            ],
            ANYTHING,
        ),
        allow(["sagemaker:DescribeTrainingJob"], [arns.training_jobs]),
        allow(
            [
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeProcessingJob",
            ],
            [
                arns.sagemaker("endpoint/*"),
                arns.sagemaker("endpoint-config/*"),
                arns.sagemaker("processing-job/*"),
            ],
        ),
        allow(
            [
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
                "cloudformation:GetTemplate",
            ],
            [arns.hosting_stack],
        ),
    ]
