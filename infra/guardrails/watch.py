"""Alarms on the guards themselves, on the queue of events that they lost, and on what hangs."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# The reserve is reckoned for a guard that is silent no longer than SILENT_PERIODS.
from core.money.reserve import SILENT_PERIODS
from core.names import METRIC_NAMESPACE, STUCK_METRIC, Names
from infra.functions import ProjectFunction


def alarm_on_any(
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    description: str,
    metric: cloudwatch.IMetric,
    topic: sns.ITopic,
    says_ok: bool = True,
) -> cloudwatch.Alarm:
    """Make an alarm as soon as `metric` is above zero in one period; no data is no alarm.

    `topic` gets it, and, if `says_ok`, the message that it is over.
    """
    alarm = cloudwatch.Alarm(
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
    alarm.add_alarm_action(actions.SnsAction(topic))
    if says_ok:
        alarm.add_ok_action(actions.SnsAction(topic))
    return alarm


class FunctionWatch(Construct):
    """Alarms when a function fails or is throttled, and when a scheduled one has not run for three periods.

    Args:
        watched: the function.
        period_minutes: how often it is called; None for a function without a schedule.
        topic: gets the alarm, and the message that it is over, except for silence.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        watched: ProjectFunction,
        *,
        period_minutes: int | None,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        function, name = watched.function, watched.function_name
        period = Duration.minutes(period_minutes or 5)
        self.alarms = [
            alarm_on_any(
                self,
                "Errors",
                name=f"{name}-errors",
                description=f"{name} failed: /aws/lambda/{name} says why",
                metric=function.metric_errors(period=period, statistic="Sum"),
                topic=topic,
            ),
            alarm_on_any(
                self,
                "Throttles",
                name=f"{name}-throttles",
                description=f"{name} was throttled: Lambda concurrency is used up",
                metric=function.metric_throttles(period=period, statistic="Sum"),
                topic=topic,
            ),
        ]
        if period_minutes is not None:
            silence = cloudwatch.Alarm(
                self,
                "Silence",
                alarm_name=f"{name}-silence",
                alarm_description=f"{name} has not run for {SILENT_PERIODS} × {period_minutes}"
                " minutes, so nothing guards: look at its EventBridge rule",
                metric=function.metric_invocations(period=period, statistic="Sum"),
                threshold=1,
                evaluation_periods=SILENT_PERIODS,
                comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                # A function that does not run publishes nothing: here it is the absence that alarms.
                treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
            )
            # No message at its end: a function is silent until its first call, so a first deploy would mail.
            silence.add_alarm_action(actions.SnsAction(topic))
            self.alarms.append(silence)


def watch_queue(scope: Construct, name: str, queue: sqs.IQueue, topic: sns.ITopic) -> cloudwatch.Alarm:
    """Make an alarm for when an event lies in the dead-letter queue."""
    return alarm_on_any(
        Construct(scope, "LostEvents"),
        "Depth",
        name=name,
        description=f"{name} holds an event that nothing could handle: read, fix, redrive",
        metric=queue.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(5), statistic="Maximum"
        ),
        topic=topic,
        says_ok=False,
    )


def watch_stuck(scope: Construct, names: Names, period_minutes: int, topic: sns.ITopic) -> cloudwatch.Alarm:
    """Make an alarm while the idle reaper finds something that hangs: it may bill, and no deletion helps.

    Args:
        period_minutes: how often the reaper looks; the alarm waits for two looks before it ends.
    """
    return alarm_on_any(
        Construct(scope, "Stuck"),
        "Alarm",
        name=f"{names.name}-stuck-resources",
        description="An endpoint, component or job hangs and may bill:"
        f" {names.function_log('idle-reaper')} says which",
        metric=cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=STUCK_METRIC,
            dimensions_map={"Project": names.project},
            statistic="Maximum",
            period=Duration.minutes(2 * period_minutes),
        ),
        topic=topic,
    )
