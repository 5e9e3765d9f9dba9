"""One page in CloudWatch: money, training, endpoint, and the guards themselves.

Namespaces and dimensions: SageMaker developer guide, "Amazon SageMaker AI metrics in Amazon CloudWatch".
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from core.guard import published
from core.names import METRIC_NAMESPACE, TRAINING_LOG_GROUP, VARIANT, Names
from infra.project_stack import ProjectStack

HALF = 12  # of the dashboard's 24 columns
GPU = ("GPUUtilization", "GPUMemoryUtilization")
"""Per cent of one GPU each: an instance with four of them may show up to 400."""


class ProjectDashboard(Construct):
    """Spending and budget, the runs, the endpoint, decisions and alarms of the guards.

    Args:
        alarms: on the guards.
    """

    def __init__(
        self, stack: ProjectStack, construct_id: str, *, alarms: Sequence[cloudwatch.IAlarm]
    ) -> None:
        super().__init__(stack, construct_id)
        names, settings = stack.names, stack.settings
        dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=names.project, default_interval=Duration.days(1)
        )
        dashboard.add_widgets(*_money(names, settings.budget_usd, settings.limit_usd))
        dashboard.add_widgets(*_training(names))
        dashboard.add_widgets(*_calls(_served(names, settings.hosting)))
        dashboard.add_widgets(*_gpus(names))
        dashboard.add_widgets(
            cloudwatch.LogQueryWidget(
                title="What the idle reaper decided",
                width=HALF,
                log_group_names=[names.function_log("idle-reaper")],
                query_lines=[
                    "fields @timestamp, endpoint, action, reason",
                    "filter event = 'decision' and action != 'keep'",
                    "sort @timestamp desc",
                    "limit 50",
                ],
            ),
            cloudwatch.AlarmStatusWidget(title="The guards", width=HALF, alarms=list(alarms)),
        )


def _graph(title: str, left: Sequence[cloudwatch.IMetric], **more: Any) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, width=HALF, left=list(left), **more)


def _money(names: Names, budget_usd: float, limit_usd: float) -> list[cloudwatch.IWidget]:
    lines = [
        cloudwatch.HorizontalAnnotation(label="budget", value=budget_usd),
        cloudwatch.HorizontalAnnotation(label="everything stops", value=round(limit_usd, 2)),
    ]
    spent = [_spend(names, published.SPENT), _spend(names, published.PROJECTED)]
    burn, hours = _spend(names, published.BURN), _spend(names, published.HOURS)
    return [
        _graph("Spent this month, and at its end if all goes on (USD)", spent, left_annotations=lines),
        _graph("Burn (USD an hour), and hours to the limit", [burn], right=[hours]),
    ]


def _training(names: Names) -> list[cloudwatch.IWidget]:
    speed = _of_all_runs(names, "TrainingJobName", "train:tokens_per_second")
    return [
        _graph("Loss by run", [_of_all_runs(names, "TrainingJobName", "train:loss")]),
        _graph("Tokens a second by run", [speed]),
    ]


def _calls(served: Sequence[dict[str, str]]) -> list[cloudwatch.IWidget]:
    return [
        _graph("Endpoint: calls", [_call(of, "Invocations", "Sum") for of in served]),
        _graph("Endpoint: latency (µs)", [_call(of, "ModelLatency", "p90") for of in served]),
    ]


def _gpus(names: Names) -> list[cloudwatch.IWidget]:
    endpoint = [
        cloudwatch.Metric(
            namespace="/aws/sagemaker/Endpoints",
            metric_name=metric,
            dimensions_map={"EndpointName": names.endpoint, "VariantName": VARIANT},
            statistic="Maximum",
            period=Duration.minutes(1),
        )
        for metric in GPU
    ]
    jobs = [_of_all_runs(names, "Host", metric) for metric in GPU]
    return [
        _graph("GPU by training instance (%): use and memory", jobs),
        _graph("GPU of the endpoint (%): use and memory", endpoint),
    ]


def _served(names: Names, hosting: str) -> list[dict[str, str]]:
    """The dimensions under which SageMaker counts the calls."""
    if hosting == "merged":
        return [{"EndpointName": names.endpoint, "VariantName": VARIANT}]
    return [{"InferenceComponentName": name} for name in (names.base_component, names.tuned_component)]


def _spend(names: Names, metric: str) -> cloudwatch.Metric:
    """A metric that the spend guard publishes."""
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=metric,
        dimensions_map={"Project": names.project},
        statistic="Maximum",
        period=Duration.minutes(5),
    )


def _of_all_runs(names: Names, dimension: str, metric: str) -> cloudwatch.MathExpression:
    """A metric of the training jobs, a line each.

    Args:
        dimension: `TrainingJobName` of what the program prints; `Host`, `JOB/algo-1`, of the instances.
    """
    search = f'{{{TRAINING_LOG_GROUP},{dimension}}} MetricName="{metric}" {names.name}-'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', 'Average', 60)",
        using_metrics={},
        label="",
        period=Duration.minutes(1),
    )


def _call(dimensions: dict[str, str], metric: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=metric,
        dimensions_map=dimensions,
        statistic=statistic,
        period=Duration.minutes(5),
        label=next(iter(dimensions.values())),
    )
