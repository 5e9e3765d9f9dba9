"""Alarms on the guards themselves, on the queue of events that they lost, and on what hangs."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# The reserve is reckoned for a guard that is silent no longer than SILENT_PERIODS.
from core.money.reserve import SILENT_PERIODS
from core.names import METRIC_NAMESPACE, Names
from core.reaper.alarm import METRIC


def alarm_on_any(
    scope: Construct, construct_id: str, *, name: str, description: str, metric: cloudwatch.IMetric
) -> cloudwatch.Alarm:
    """An alarm as soon as `metric` is above zero in one period; no data is no alarm."""
    return cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_name=name,
        alarm_description=description,
        metric=metric,
        threshold=0,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


class FunctionWatch(Construct):
    """Alarms when a function fails or is throttled, and when a scheduled one has not run for three periods.

    Args:
        function: to watch.
        function_name: its name, for the alarms' names.
        period_minutes: how often it is called; None for a function without a schedule.
        topic: gets the alarm, and the message that it is over, but for silence.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        function_name: str,
        period_minutes: int | None,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        period = Duration.minutes(period_minutes or 5)
        self.alarms = [
            alarm_on_any(
                self,
                "Errors",
                name=f"{function_name}-errors",
                description=f"{function_name} failed: /aws/lambda/{function_name} says why",
                metric=function.metric_errors(period=period, statistic="Sum"),
            ),
            alarm_on_any(
                self,
                "Throttles",
                name=f"{function_name}-throttles",
                description=f"{function_name} was throttled: Lambda concurrency is used up",
                metric=function.metric_throttles(period=period, statistic="Sum"),
            ),
        ]
        if period_minutes is not None:
            self.alarms.append(
                cloudwatch.Alarm(
                    self,
                    "Silence",
                    alarm_name=f"{function_name}-silence",
                    alarm_description=f"{function_name} has not run for {SILENT_PERIODS} × {period_minutes}"
                    " minutes, so nothing guards: look at its EventBridge rule",
                    metric=function.metric_invocations(period=period, statistic="Sum"),
                    threshold=1,
                    evaluation_periods=SILENT_PERIODS,
                    comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                    # A function that does not run publishes nothing: here it is the absence that alarms.
                    treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
                )
            )
        for alarm in self.alarms:
            alarm.add_alarm_action(actions.SnsAction(topic))
        # A function is silent until its first call: a first deploy would mail that all is well again.
        for alarm in self.alarms[:2]:
            alarm.add_ok_action(actions.SnsAction(topic))


class QueueWatch(Construct):
    """Alarm when an event lies in the dead-letter queue."""

    def __init__(
        self, scope: Construct, construct_id: str, *, queue: sqs.IQueue, queue_name: str, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        waiting = queue.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(5), statistic="Maximum"
        )
        self.alarm = alarm_on_any(
            self,
            "Depth",
            name=queue_name,
            description=f"{queue_name} holds an event that nothing could handle: read, fix, redrive",
            metric=waiting,
        )
        self.alarm.add_alarm_action(actions.SnsAction(topic))


class StuckWatch(Construct):
    """Alarm while the idle reaper finds something that hangs: it may bill, and no deletion helps.

    Args:
        names: of the deployment.
        period_minutes: how often the reaper looks; the alarm waits for two looks before it is well again.
        topic: gets the alarm, and the message that it is over.
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
            f" {names.function_log('idle-reaper')} says which",
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
