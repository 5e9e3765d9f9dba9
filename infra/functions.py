"""A Lambda function of this project: code from the shared asset, own role, own log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.arns import Arns
from infra.encryption import key_use
from infra.log_group import project_log_group
from infra.permissions import Statement, allow, write_own_log
from infra.role import ServiceRole


class ProjectFunction(Construct):
    """The function `lambdas/PURPOSE/handler.py`, or another handler, with exactly the permissions given.

    Args:
        arns: names and ARNs of the deployment.
        purpose: the folder's name with hyphens, such as `idle-reaper`.
        code: the asset with `lambdas/` at its root.
        environment: the variables of the function besides `PROJECT`.
        permissions: what its role may do, besides writing its own log.
        handler: another function of the asset than `lambdas.PURPOSE.handler.handler`.
        timeout_minutes: Lambda's limit is 15.
        dead_letter_queue: where events go that failed twice, for functions that are invoked asynchronously.
        key_arn: of the customer-managed key that encrypts what the function reads, writes and logs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        arns: Arns,
        purpose: str,
        code: lambda_.Code,
        environment: Mapping[str, str],
        permissions: Sequence[Statement],
        handler: str | None = None,
        timeout_minutes: float = 5,
        memory_mb: int = 512,
        dead_letter_queue: sqs.IQueue | None = None,
        key_arn: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        function_name = arns.names.function(purpose)
        log_group_name = f"/aws/lambda/{function_name}"
        log_group = project_log_group(self, "Log", name=log_group_name, key_arn=key_arn)
        # Lambda itself sends to the queue, under the function's role.
        sends = [allow(["sqs:SendMessage"], [dead_letter_queue.queue_arn])] if dead_letter_queue else []
        key = key_use(arns, key_arn, [*permissions, *sends])
        role = ServiceRole(
            self,
            "Role",
            service="lambda.amazonaws.com",
            permissions=[*permissions, write_own_log(arns, log_group_name), *key],
        ).role
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=function_name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=handler or f"lambdas.{purpose.replace('-', '_')}.handler.handler",
            code=code,
            environment={"PROJECT": arns.names.project, **environment},
            timeout=Duration.minutes(timeout_minutes),
            memory_size=memory_mb,
            role=role,
            log_group=log_group,
            dead_letter_queue=dead_letter_queue,
        )
