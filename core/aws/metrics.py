"""Writes the project's CloudWatch metrics, and reads series of any."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.names import METRIC_NAMESPACE

Point = tuple[datetime, float]


def put(
    cloudwatch: Any,
    project: str,
    values: Iterable[tuple[str, float, str]],
    now: datetime,
    *,
    namespace: str = METRIC_NAMESPACE,
) -> None:
    """Publish the project's values: name, number and CloudWatch's unit of each."""
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "Project", "Value": project}],
            "Timestamp": now,
            "Value": value,
            "Unit": unit,
        }
        for name, value, unit in values
    ]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def query(
    name: str, namespace: str, metric: str, dimensions: Mapping[str, str], period: int, statistic: str
) -> dict[str, Any]:
    """One of GetMetricData's queries, whose result carries `name`; `period` in seconds."""
    described = {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    return {"Id": name, "MetricStat": {"Metric": described, "Period": period, "Stat": statistic}}


def points(
    cloudwatch: Any, queries: list[dict[str, Any]], start: datetime, end: datetime
) -> dict[str, list[Point]]:
    """Time and value of each point between `start` and `end`, by the queries' names."""
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
    return {
        result["Id"]: list(zip(result["Timestamps"], result["Values"], strict=True))
        for result in answer["MetricDataResults"]
    }
