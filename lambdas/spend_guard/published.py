"""The guard's metrics: written each run, and read back so that nobody is told the same thing twice.

They are the guard's only memory; it stores nothing of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from lambdas.shared.spend import month_start
from lambdas.spend_guard.position import Position

SPENT, DOUBTS = "MonthToDateUSD", "UnpricedResources"
DAY = 86_400


def write(
    cloudwatch: Any, *, namespace: str, project: str, position: Position, doubts: int, now: datetime
) -> None:
    """Publish the position; HoursToLimit only while something bills, since there is none otherwise."""
    values: list[tuple[str, float, str]] = [
        (SPENT, position.spent_usd, "None"),
        ("BurnUSDPerHour", position.burn_usd_per_hour, "None"),
        ("BudgetUsedPercent", position.used_percent, "Percent"),
        (DOUBTS, float(doubts), "Count"),
    ]
    if position.hours_to_limit is not None:
        values.append(("HoursToLimit", position.hours_to_limit, "None"))
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": "Project", "Value": project}],
                "Timestamp": now,
                "Value": value,
                "Unit": unit,
            }
            for name, value, unit in values
        ],
    )


def read(cloudwatch: Any, *, namespace: str, project: str, now: datetime) -> tuple[float, bool]:
    """(highest sum that this month has seen, whether doubts were told in the last day)."""
    month = month_start(now)
    yesterday = now - timedelta(days=1)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            _query("spent", SPENT, namespace, project, DAY),
            _query("doubts", DOUBTS, namespace, project, 3600),
        ],
        StartTime=month,
        EndTime=now + timedelta(minutes=1),
    )
    spent, doubted = 0.0, False
    for result in answer["MetricDataResults"]:
        if result["Id"] == "spent":
            spent = max([spent, *result["Values"]])
        else:
            points = zip(result["Timestamps"], result["Values"], strict=True)
            doubted = any(value > 0 and time >= yesterday for time, value in points)
    return spent, doubted


def _query(query: str, metric: str, namespace: str, project: str, period: int) -> dict[str, Any]:
    return {
        "Id": query,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": "Project", "Value": project}],
            },
            "Period": period,
            "Stat": "Maximum",
        },
    }
