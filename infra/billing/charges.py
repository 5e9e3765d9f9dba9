"""Alarms on what AWS estimates of the month's bill, several times a day."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from core.money.charges import METRIC, NAMESPACE
from core.names import BILLING_REGION

PUBLISHED_EVERY = Duration.hours(6)


class ChargesAlarm(Construct):
    """Alarm when the estimated charges of the month reach `threshold_usd`: of all services, or of one.

    Needs "Receive CloudWatch billing alerts" in the account's billing preferences; until then the metric is
    missing, which counts as nothing spent.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarm_name: str,
        threshold_usd: float,
        topic: sns.ITopic,
        service: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_name=alarm_name,
            alarm_description=f"{service or 'The account'} costs ${threshold_usd:g} or more this month",
            metric=cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name=METRIC,
                dimensions_map={"Currency": "USD", **({"ServiceName": service} if service else {})},
                statistic="Maximum",
                period=PUBLISHED_EVERY,
                region=BILLING_REGION,
            ),
            threshold=threshold_usd,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
