"""The guard's metrics: written each run, and read back so that no message is sent twice.

They are the guard's only memory; the sum itself is made anew from AWS each time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.guard.position import Memory, Position
from core.money.time import month_start

SPENT, BURN, DOUBTS, LATCH = "MonthToDateUSD", "BurnUSDPerHour", "UnpricedResources", "CreateDenied"
DAY, MINUTES = 86_400, 300
#: A burn that is older than this says nothing of what runs now.
RECENT = timedelta(hours=6)


def write(
    cloudwatch: Any,
    *,
    namespace: str,
    project: str,
    position: Position,
    doubts: int,
    latched: bool,
    now: datetime,
) -> None:
    """Publish the position; HoursToLimit only while something bills."""
    values: list[tuple[str, float, str]] = [
        (SPENT, position.spent_usd, "None"),
        (BURN, position.burn_usd_per_hour, "None"),
        ("ProjectedUSD", position.projected_usd, "None"),
        ("BudgetUsedPercent", position.used_percent, "Percent"),
        (DOUBTS, float(doubts), "Count"),
        (LATCH, float(latched), "Count"),
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


def read(cloudwatch: Any, *, namespace: str, project: str, now: datetime) -> Memory:
    """Read the metrics that earlier runs of this month published."""
    series = {"spent": (SPENT, DAY), "doubts": (DOUBTS, 3600), "latch": (LATCH, DAY), "burn": (BURN, MINUTES)}
    month = month_start(now)
    long = [_query(name, *series[name], namespace, project) for name in ("spent", "doubts", "latch")]
    end = now + timedelta(minutes=1)
    points = _points(cloudwatch, long, month, end)
    points |= _points(
        cloudwatch, [_query("burn", *series["burn"], namespace, project)], max(month, now - RECENT), end
    )
    newest = max(points["burn"], default=None)
    return Memory(
        spent_usd=max((value for _, value in points["spent"]), default=0.0),
        burn_usd_per_hour=newest[1] if newest else 0.0,
        time=newest[0] if newest else None,
        doubted=any(value > 0 and time >= now - timedelta(days=1) for time, value in points["doubts"]),
        latched=any(value > 0 for _, value in points["latch"]),
    )


def spent_so_far(
    cloudwatch: Any, *, namespace: str, project: str, now: datetime
) -> list[tuple[datetime, float]]:
    """The month's sum over time, oldest first: by the hour, and by the minute for the last hours."""
    query = [_query("spent", SPENT, 3600, namespace, project)]
    fine = [_query("spent", SPENT, 60, namespace, project)]
    begin, end = month_start(now), now + timedelta(minutes=1)
    turn = max(begin, now - RECENT)
    hourly = _points(cloudwatch, query, begin, turn)["spent"] if begin < turn else []
    minutely = _points(cloudwatch, fine, turn, end)["spent"]
    return sorted([(time, value) for time, value in hourly if time < turn] + minutely)


def _points(
    cloudwatch: Any, queries: list[dict[str, Any]], start: datetime, end: datetime
) -> dict[str, list[tuple[datetime, float]]]:
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
    return {
        result["Id"]: list(zip(result["Timestamps"], result["Values"], strict=True))
        for result in answer["MetricDataResults"]
    }


def _query(query: str, metric: str, period: int, namespace: str, project: str) -> dict[str, Any]:
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
