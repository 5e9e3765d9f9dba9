"""The deny that the spend guard puts on roles when the month's limit is reached."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.arns import Arns
from infra.permissions import Statement, allow


class CreateLatch(Construct):
    """Managed policy that denies `sagemaker:Create*`, which the guard may attach to `roles` and to no other.

    It denies neither Delete nor Stop. Without roles there is nothing: no policy, no permission.

    Args:
        roles: names of IAM roles, as in setting `latch_roles`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, arns: Arns, roles: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
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
        held = [f"{account}:role/{role}" for role in roles]
        self.environment = {"LATCH_POLICY_ARN": policy_arn, "LATCH_ROLES": ",".join(roles)}
        self.permissions = [
            allow(
                ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
                held,
                {"ArnEquals": {"iam:PolicyARN": policy_arn}},
            ),
            allow(["iam:ListAttachedRolePolicies"], held),
        ]
