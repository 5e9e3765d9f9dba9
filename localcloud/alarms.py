"""Decides when a CloudWatch metric alarm changes state, as CloudWatch documents it.

M of N datapoints (`DatapointsToAlarm` of `EvaluationPeriods`), each one period long and aligned to the clock,
with the alarm's way to treat missing data. Source: the CloudWatch user guide, "Using Amazon CloudWatch
alarms". Alarms on metric math (`Metrics`) are left as they are: ministack computes no expressions.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

Statistic = Callable[[dict[str, Any], Sequence[dict[str, Any]]], float | None]

COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def decide(
    alarm: dict[str, Any], points: Sequence[dict[str, Any]], now: float, statistic: Statistic
) -> tuple[str, str] | None:
    """The alarm's new state and the reason for it; None to keep the one it has.

    Args:
        alarm: as PutMetricAlarm stores it.
        points: the data of exactly its metric, `Timestamp` in seconds.
        now: seconds since 1970.
        statistic: the alarm's statistic over some of the points.
    """
    compare = COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    if compare is None or not alarm.get("MetricName"):
        return None
    wanted = int(alarm.get("EvaluationPeriods") or 1)
    needed = int(alarm.get("DatapointsToAlarm") or wanted)
    threshold = float(alarm.get("Threshold") or 0)
    values = _datapoints(alarm, points, now, wanted, statistic)
    present = [value for value in values if value is not None]
    treat = alarm.get("TreatMissingData") or "missing"
    if not present and treat == "ignore":
        return None
    if not present and treat == "missing":
        return "INSUFFICIENT_DATA", f"Insufficient Data: {wanted} datapoints were unknown."
    missing = len(values) - len(present)
    breaching = sum(compare(value, threshold) for value in present) + (missing if treat == "breaching" else 0)
    state = "ALARM" if breaching >= needed else "OK"
    listed = ", ".join(f"{value:g}" for value in present)
    return state, (
        f"Threshold Crossed: {breaching} out of the last {wanted} datapoints [{listed}] "
        f"breached the threshold ({threshold:g}); {needed} needed, {missing} missing."
    )


def _datapoints(
    alarm: dict[str, Any], points: Sequence[dict[str, Any]], now: float, wanted: int, statistic: Statistic
) -> list[float | None]:
    """The newest `wanted` periods' values, newest first. The period under way counts once it has data."""
    period = int(alarm.get("Period") or 60)
    current = int(now // period)
    by_period: dict[int, list[dict[str, Any]]] = {}
    for point in points:
        by_period.setdefault(int(point["Timestamp"] // period), []).append(point)
    newest = current if current in by_period else current - 1
    return [
        statistic(alarm, by_period[index]) if index in by_period else None
        for index in range(newest, newest - wanted, -1)
    ]
