"""Alarm on what the idle reaper found hanging: it may bill, and no deletion helps."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from core.names import METRIC_NAMESPACE, Names
from core.reaper.alarm import METRIC
from infra.guardrails.watch import alarm_on_any


class StuckWatch(Construct):
    """Alarm while anything hangs.

    Args:
        names: of the deployment.
        period_minutes: how often the reaper looks; the alarm waits for two looks before it is well again.
        topic: who is told, also when it is well again.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, period_minutes: int, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarm = alarm_on_any(
            self,
            "Alarm",
            name=f"{names.name}-stuck-resources",
            description="An endpoint, component or job hangs and may bill:"
            f" /aws/lambda/{names.function('idle-reaper')} tells which",
            metric=cloudwatch.Metric(
                namespace=METRIC_NAMESPACE,
                metric_name=METRIC,
                dimensions_map={"Project": names.project},
                statistic="Maximum",
                period=Duration.minutes(2 * period_minutes),
            ),
        )
        self.alarm.add_alarm_action(actions.SnsAction(topic))
        self.alarm.add_ok_action(actions.SnsAction(topic))
