"""The functions of a fine-tuning run, and what each may do."""

import json

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.arns import Arns
from infra.functions import FunctionBase, ProjectFunction
from infra.permissions import Statement, allow, ask_endpoint, month_to_date, switch_hosting
from infra.project_stack import ProjectStack


def run_functions(stack: ProjectStack, base: FunctionBase, validation_base: FunctionBase) -> dict[str, str]:
    """Make the functions that the state machine calls; their ARNs by purpose.

    validation_base: with the code that reads datasets, which the other functions do without.
    """
    arns, settings = stack.arns, stack.settings
    # An endpoint that serves merged weights needs jobs that merge.
    merging = {"merge_weights": "True"} if settings.hosting == "merged" else {}
    machines = {
        "TRAINING_INSTANCE_TYPE": settings.training_instance_type,
        "TRAINING_INSTANCE_COUNT": str(settings.training_instance_count),
    }
    limits = {
        "VOLUME_GB": str(settings.volume_gb),
        "MAX_RUNTIME_SECONDS": str(settings.max_runtime_minutes * 60),
        "MAX_WAIT_SECONDS": str(settings.max_wait_minutes * 60),
    }
    bucket = {"ARTIFACT_BUCKET": arns.names.bucket("artifacts", arns.account)}
    hosting = [arns.hosting_stack]
    functions = (
        ProjectFunction(
            stack,
            "ValidateDataset",
            validation_base,
            purpose="validate-dataset",
            environment={
                "HYPERPARAMETERS": json.dumps({**settings.hyperparameters, **merging}, sort_keys=True),
                **machines,
                "SERVED_LORA_RANK": str(settings.served_rank),
            },
            permissions=[
                allow(["s3:ListBucket"], [arns.bucket("data")]),
                allow(["s3:GetObject"], [arns.bucket("data", "/*")]),
            ],
        ),
        ProjectFunction(
            stack,
            "Admission",
            base,
            purpose="admission",
            environment={**settings.budget.environment(), **machines, **limits, **bucket},
            permissions=admission(arns),
        ),
        ProjectFunction(
            stack,
            "ReadEvaluation",
            base,
            purpose="read-evaluation",
            environment=bucket,
            permissions=[
                allow(["s3:ListBucket"], [arns.bucket("artifacts")]),
                allow(["s3:GetObject", "s3:PutObject"], [arns.bucket("artifacts", "/runs/*")]),
            ],
        ),
        ProjectFunction(
            stack,
            "FinishWake",
            base,
            purpose="finish-wake",
            environment={"HOSTING": settings.hosting},
            permissions=[
                allow(["cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"], hosting),
                ask_endpoint(arns),
                *switch_hosting(arns),
            ],
            timeout_minutes=15,
        ),
    )
    return {each.purpose: each.function.function_arn for each in functions}


class StopTrainingRule(Construct):
    """EventBridge rule: an execution of the state machine was aborted, timed out or failed → the function."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_name: str,
        state_machine_arn: str,
        function: lambda_.IFunction,
        dead_letter_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "Rule",
            rule_name=rule_name,
            description="Stop the training job of an execution that did not wait for it",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"status": ["ABORTED", "TIMED_OUT", "FAILED"], "stateMachineArn": [state_machine_arn]},
            ),
            targets=[
                targets.LambdaFunction(
                    function,
                    dead_letter_queue=dead_letter_queue,
                    retry_attempts=8,
                    max_event_age=Duration.hours(2),
                )
            ],
        )


def admission(arns: Arns) -> list[Statement]:
    """See what was spent, and reserve what a job may cost."""
    return [
        *month_to_date(arns),
        # Without ListBucket S3 answers "denied" for an object that is not there.
        allow(["s3:ListBucket"], [arns.bucket("artifacts")]),
        allow(["s3:GetObject", "s3:PutObject"], [arns.bucket("artifacts", "/admission/*")]),
    ]
