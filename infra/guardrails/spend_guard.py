"""The spend guard: its function, what it may do, and the deny that it puts on roles at the month's limit."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from core.names import METRIC_NAMESPACE
from infra.arns import Arns
from infra.permissions import (
    ANYTHING,
    Statement,
    allow,
    end_scaling,
    month_to_date,
    owned,
    put_own_metrics,
    switch_hosting,
)
from infra.project_stack import ProjectStack
from infra.settings import Settings


class CreateLatch(Construct):
    """Managed policy that denies `sagemaker:Create*`, which the guard may attach to `latch_roles` alone.

    It denies neither Delete nor Stop. Without roles there is nothing: no policy, no permission.
    """

    def __init__(self, stack: ProjectStack, construct_id: str) -> None:
        super().__init__(stack, construct_id)
        arns, roles = stack.arns, stack.settings.latch_roles
        self.environment: dict[str, str] = {}
        self.permissions: list[Statement] = []
        if not roles:
            return
        policy_name = f"{arns.names.name}-deny-create"
        # By its name, not by reference: the ARN also stands in the condition of the guard's own role.
        account = f"arn:{arns.partition}:iam::{arns.account}"
        policy_arn = f"{account}:policy/{policy_name}"
        iam.CfnManagedPolicy(
            self,
            "Deny",
            managed_policy_name=policy_name,
            description=f"The month's limit of {arns.names.project} is reached: nothing new in SageMaker",
            policy_document={
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Deny", "Action": "sagemaker:Create*", "Resource": "*"}],
            },
        )
        held = [arns.role(role) for role in roles]
        names = [role.rpartition("/")[2] for role in roles]  # IAM's operations take no path
        self.environment = {"LATCH_POLICY_ARN": policy_arn, "LATCH_ROLES": ",".join(names)}
        self.permissions = [
            allow(
                ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                held,
                {"ArnEquals": {"iam:PolicyARN": policy_arn}},
            ),
            allow(["iam:ListAttachedRolePolicies"], held),
        ]


def guard_environment(arns: Arns, settings: Settings, topic_arn: str) -> dict[str, str]:
    """The guard's variables, besides the latch's; of the page, its function and the reserved concurrency."""
    page = {"PAGE_FUNCTION": arns.names.function("web"), "PAGE_CONCURRENCY": str(settings.web_concurrency)}
    return {
        **settings.budget.environment(),
        "METRIC_NAMESPACE": METRIC_NAMESPACE,
        "TOPIC_ARN": topic_arn,
        **(page if settings.web else {}),
    }


def close_page(arns: Arns) -> list[Statement]:
    """Close the page, and open it again."""
    verbs = ("GetFunctionConcurrency", "PutFunctionConcurrency", "DeleteFunctionConcurrency")
    function = arns.of("lambda", f"function:{arns.names.function('web')}")
    return [allow([f"lambda:{verb}" for verb in verbs], [function])]


def spend_guard(arns: Arns, topic_arn: str) -> list[Statement]:
    """See what was spent, publish it, and stop what bills when the limit is near."""
    return [
        *month_to_date(arns),
        # An endpoint that another stack holds is left to it.
        allow(["sagemaker:ListInferenceComponents", "cloudformation:DescribeStackResources"], ANYTHING),
        put_own_metrics(),
        allow(["cloudformation:CancelUpdateStack"], [arns.hosting_stack]),
        *switch_hosting(arns),
        allow(["sagemaker:StopTrainingJob"], [arns.training_jobs], owned(arns)),
        # Endpoints beside Hosting's own, and Hosting's where CloudFormation cannot put it to sleep.
        *end_scaling(),
        allow(["sagemaker:DeleteEndpoint"], [arns.sagemaker("endpoint/*")], owned(arns)),
        # Components on the project's endpoint need not carry the tag, and block the endpoint's deletion.
        allow(["sagemaker:DeleteInferenceComponent"], [arns.sagemaker("inference-component/*")]),
        allow(["sns:Publish"], [topic_arn]),
    ]
