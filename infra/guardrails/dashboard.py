"""One page in CloudWatch: money, training, endpoint, and the guards themselves."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.names import METRIC_NAMESPACE, Names

HALF = 12  # of the dashboard's 24 columns


class ProjectDashboard(Construct):
    """Spending and budget, loss of the runs, calls of the endpoint, decisions and alarms of the guards."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        budget_usd: float,
        reserve_usd: float,
        reaper_log_group: str,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=names.project, default_interval=Duration.days(1)
        )
        dashboard.add_widgets(
            cloudwatch.GraphWidget(
                title="Spent this month, and at its end if all goes on (USD)",
                width=HALF,
                left=[_spend(names, "MonthToDateUSD"), _spend(names, "ProjectedUSD")],
                left_annotations=[
                    cloudwatch.HorizontalAnnotation(label="budget", value=budget_usd),
                    cloudwatch.HorizontalAnnotation(label="everything stops", value=budget_usd - reserve_usd),
                ],
            ),
            cloudwatch.GraphWidget(
                title="Burn (USD an hour), and hours to the limit",
                width=HALF,
                left=[_spend(names, "BurnUSDPerHour")],
                right=[_spend(names, "HoursToLimit")],
            ),
        )
        dashboard.add_widgets(
            cloudwatch.GraphWidget(title="Loss by run", width=HALF, left=[_of_all_runs(names, "train:loss")]),
            cloudwatch.GraphWidget(
                title="Tokens a second by run",
                width=HALF,
                left=[_of_all_runs(names, "train:tokens_per_second")],
            ),
        )
        dashboard.add_widgets(
            cloudwatch.GraphWidget(
                title="Endpoint: calls",
                width=HALF,
                left=[
                    _of_component(names.base_component, "Invocations", "Sum"),
                    _of_component(names.tuned_component, "Invocations", "Sum"),
                ],
            ),
            cloudwatch.GraphWidget(
                title="Endpoint: latency (µs)",
                width=HALF,
                left=[
                    _of_component(names.base_component, "ModelLatency", "p90"),
                    _of_component(names.tuned_component, "ModelLatency", "p90"),
                ],
            ),
        )
        dashboard.add_widgets(
            cloudwatch.LogQueryWidget(
                title="What the idle reaper decided",
                width=HALF,
                log_group_names=[reaper_log_group],
                query_lines=[
                    "fields @timestamp, endpoint, action, reason",
                    "filter event = 'decision' and action != 'keep'",
                    "sort @timestamp desc",
                    "limit 50",
                ],
            ),
            cloudwatch.AlarmStatusWidget(title="The guards", width=HALF, alarms=list(alarms)),
        )


def _spend(names: Names, metric: str) -> cloudwatch.Metric:
    """A metric that the spend guard publishes."""
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=metric,
        dimensions_map={"Project": names.project},
        statistic="Maximum",
        period=Duration.minutes(5),
    )


def _of_all_runs(names: Names, metric: str) -> cloudwatch.MathExpression:
    """A training metric, a line for each job: its dimension is the job's name."""
    search = f'{{/aws/sagemaker/TrainingJobs,TrainingJobName}} MetricName="{metric}" {names.name}-'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', 'Average', 60)",
        using_metrics={},
        label="",
        period=Duration.minutes(1),
    )


def _of_component(component: str, metric: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=metric,
        dimensions_map={"InferenceComponentName": component},
        statistic=statistic,
        period=Duration.minutes(5),
        label=component,
    )
