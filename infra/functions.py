"""A Lambda function of this project: code from the shared asset, own role, own log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.names import Names


class ProjectFunction(Construct):
    """The function `lambdas/PURPOSE/handler.py`, with exactly the permissions given.

    Args:
        names: what the deployment is called.
        purpose: the folder's name with hyphens, such as `idle-reaper`.
        code: the asset with `lambdas/` at its root.
        environment: the variables of the function besides `PROJECT`.
        permissions: what its role may do, besides writing its own log.
        timeout_minutes: Lambda's limit is 15.
        dead_letter_queue: where events go that failed twice, for functions that are invoked asynchronously.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        purpose: str,
        code: lambda_.Code,
        environment: Mapping[str, str],
        permissions: Sequence[iam.PolicyStatement],
        timeout_minutes: int = 5,
        memory_mb: int = 512,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        function_name = names.function(purpose)
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        for statement in permissions:
            role.add_to_policy(statement)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=function_name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"lambdas.{purpose.replace('-', '_')}.handler.handler",
            code=code,
            environment={"PROJECT": names.project, **environment},
            timeout=Duration.minutes(timeout_minutes),
            memory_size=memory_mb,
            role=role,
            log_group=log_group,
            dead_letter_queue=dead_letter_queue,
        )
