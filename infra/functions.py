"""Lambda functions of this project: code from the shared asset, own role, own log group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.arns import Arns
from infra.encryption import key_use
from infra.permissions import ServiceRole, Statement, allow, write_own_log
from infra.retention import project_log_group


@dataclass(frozen=True, kw_only=True)
class FunctionBase:
    """Settings that the functions of a stack have in common.

    arns: names and ARNs of the deployment.
    code: the asset with `lambdas/` at its root.
    key_arn: of the customer-managed key that encrypts what the functions read, write and log.
    """

    arns: Arns
    code: lambda_.Code
    key_arn: str | None


class ProjectFunction(Construct):
    """The function `lambdas/PURPOSE/handler.py`, or another handler, with exactly the permissions given.

    Args:
        base: what it has in common with the stack's other functions.
        purpose: the folder's name with hyphens, such as `idle-reaper`.
        environment: the variables of the function besides `PROJECT`.
        permissions: what its role may do, besides writing its own log.
        handler: another function of the asset than `lambdas.PURPOSE.handler.handler`.
        timeout_minutes: Lambda's limit is 15.
        dead_letter_queue: where events go that failed twice, for functions that are invoked asynchronously.
        reserved_concurrency: how many run at a time at most; AWS keeps as many for it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        base: FunctionBase,
        *,
        purpose: str,
        environment: Mapping[str, str],
        permissions: Sequence[Statement],
        handler: str | None = None,
        timeout_minutes: float = 5,
        memory_mb: int = 512,
        dead_letter_queue: sqs.IQueue | None = None,
        reserved_concurrency: int | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        arns, key_arn = base.arns, base.key_arn
        self.purpose, self.function_name = purpose, arns.names.function(purpose)
        log_name = arns.names.function_log(purpose)
        log_group = project_log_group(self, "Log", name=log_name, key_arn=key_arn)
        # Lambda itself sends to the queue, under the function's role.
        sends = [allow(["sqs:SendMessage"], [dead_letter_queue.queue_arn])] if dead_letter_queue else []
        key = key_use(arns, key_arn, [*permissions, *sends])
        role = ServiceRole(
            self,
            "Role",
            service="lambda.amazonaws.com",
            permissions=[*permissions, write_own_log(arns, log_name), *key],
        ).role
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=self.function_name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=handler or f"lambdas.{purpose.replace('-', '_')}.handler.handler",
            code=base.code,
            environment={"PROJECT": arns.names.project, **environment},
            timeout=Duration.minutes(timeout_minutes),
            memory_size=memory_mb,
            role=role,
            log_group=log_group,
            dead_letter_queue=dead_letter_queue,
            reserved_concurrent_executions=reserved_concurrency,
        )


class EveryMinutes(Construct):
    """EventBridge rule that calls `function` every `minutes`.

    A call that cannot be delivered is not kept: the next one sees everything anew.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, function: lambda_.IFunction, minutes: int
    ) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "Rule",
            schedule=events.Schedule.rate(Duration.minutes(minutes)),
            targets=[
                targets.LambdaFunction(function, retry_attempts=2, max_event_age=Duration.minutes(minutes))
            ],
        )
