"""Runs a function every few minutes."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


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
