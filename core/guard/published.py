"""The guard's metrics: written each run, and read back so that no message is sent twice.

They are the guard's only memory; the sum itself is made anew from AWS each time.
"""

from datetime import datetime, timedelta
from typing import Any

from core.aws import metrics
from core.guard.position import GuardMemory, Position
from core.money.time import month_start

SPENT, BURN, DOUBTS, LATCH = "MonthToDateUSD", "BurnUSDPerHour", "UnpricedResources", "CreateDenied"
PROJECTED, HOURS = "ProjectedUSD", "HoursToLimit"
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
        (PROJECTED, position.projected_usd, "None"),
        ("BudgetUsedPercent", position.used_percent, "Percent"),
        (DOUBTS, float(doubts), "Count"),
        (LATCH, float(latched), "Count"),
    ]
    if position.hours_to_limit is not None:
        values.append((HOURS, position.hours_to_limit, "None"))
    metrics.put(cloudwatch, project, values, now, namespace=namespace)


def read(cloudwatch: Any, *, namespace: str, project: str, now: datetime) -> GuardMemory:
    """Read the metrics that earlier runs of this month published."""

    def query(name: str, metric: str, period: int) -> dict[str, Any]:
        return metrics.query(name, namespace, metric, {"Project": project}, period, "Maximum")

    month, end = month_start(now), now + timedelta(minutes=1)
    long = [query("spent", SPENT, DAY), query("doubts", DOUBTS, 3600), query("latch", LATCH, DAY)]
    points = metrics.points(cloudwatch, long, month, end)
    points |= metrics.points(cloudwatch, [query("burn", BURN, MINUTES)], max(month, now - RECENT), end)
    newest = max(points["burn"], default=None)
    return GuardMemory(
        spent_usd=max((value for _, value in points["spent"]), default=0.0),
        burn_usd_per_hour=newest[1] if newest else 0.0,
        time=newest[0] if newest else None,
        doubted=any(value > 0 and time >= now - timedelta(days=1) for time, value in points["doubts"]),
        latched=any(value > 0 for _, value in points["latch"]),
    )


def spent_so_far(cloudwatch: Any, *, namespace: str, project: str, now: datetime) -> list[metrics.Point]:
    """The month's sum over time, oldest first: by the hour, and by the minute for the last hours."""

    def spent(period: int, start: datetime, end: datetime) -> list[metrics.Point]:
        query = metrics.query("spent", namespace, SPENT, {"Project": project}, period, "Maximum")
        return metrics.points(cloudwatch, [query], start, end)["spent"]

    begin = month_start(now)
    turn = max(begin, now - RECENT)
    hourly = spent(3600, begin, turn) if begin < turn else []
    minutely = spent(60, turn, now + timedelta(minutes=1))
    return sorted([(time, value) for time, value in hourly if time < turn] + minutely)
