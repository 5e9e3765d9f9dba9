"""Reads CloudWatch in bulk: the series that exist, and their values, 500 series a call."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from core.aws.calls import items_of
from core.aws.errors import error_text
from core.aws.metrics import query
from core.reaper.facts import NAMESPACE, Reading, Series, Unreadable

#: GetMetricData's limits: queries a call, points a call.
QUERIES = 500
POINTS = 100_800
MINUTE = timedelta(minutes=1)
#: Older points are kept in coarser periods only (CloudWatch's retention): from this age on, at least this
#: period.
RETENTION = ((timedelta(days=63), 3600), (timedelta(days=15), 300))
#: ListMetrics can leave out what was silent for three hours; a longer window must not.
RECENT = timedelta(hours=2, minutes=45)

#: Metrics that tell of use, and the statistic that shows it.
USE = {
    "Invocations": "Sum",
    "InvocationsProcessed": "Sum",
    "InvocationFailures": "Sum",
    "ServerlessProvisionedConcurrencyInvocations": "Sum",
    "ConcurrentRequestsPerModel": "Maximum",
    "ConcurrentRequestsPerCopy": "Maximum",
    "ApproximateBacklogSize": "Maximum",
    "HasBacklogWithoutCapacity": "Maximum",
    "ModelLatency": "Maximum",
}


def period_for(window: timedelta) -> int:
    """Seconds a point: a minute, or more where the window would hold more points than a call may."""
    seconds = max(60, 60 * math.ceil(window / MINUTE / (POINTS // QUERIES - 10)))
    for age, least in RETENTION:
        if window > age:
            return least * math.ceil(seconds / least)
    return seconds


def listed(cloudwatch: Any, *, window: timedelta, metric: str = "", endpoint: str = "") -> set[Series]:
    """Series of use that CloudWatch lists, of one metric or with one endpoint's name among the dimensions.

    ListMetrics can lag by 15 minutes, so it only adds to what is looked at. Raises botocore's errors.
    """
    request: dict[str, Any] = {"Namespace": NAMESPACE}
    if metric:
        request["MetricName"] = metric
    if endpoint:
        request["Dimensions"] = [{"Name": "EndpointName", "Value": endpoint}]
    if window <= RECENT:
        request["RecentlyActive"] = "PT3H"
    return {
        Series(
            metric=found["MetricName"],
            dimensions=frozenset((d["Name"], d["Value"]) for d in found.get("Dimensions", [])),
            statistic=USE[found["MetricName"]],
        )
        for found in items_of(cloudwatch.list_metrics, "Metrics", **request)
        if found["MetricName"] in USE
    }


def readings(
    cloudwatch: Any, series: Iterable[Series], *, start: datetime, now: datetime
) -> dict[Series, Reading | Unreadable]:
    """The reading of each series from `start` until now; Unreadable where its call or query failed."""
    found: dict[Series, Reading | Unreadable] = {}
    period = period_for(now - start)
    ordered = sorted(series, key=str)
    for first in range(0, len(ordered), QUERIES):
        batch = ordered[first : first + QUERIES]
        try:
            found |= _read(cloudwatch, batch, period, start, now)
        except Exception as error:
            found |= dict.fromkeys(batch, Unreadable(error_text(error)))
    return found


def _read(
    cloudwatch: Any, batch: list[Series], period: int, start: datetime, now: datetime
) -> dict[Series, Reading | Unreadable]:
    ids = {f"s{number}": series for number, series in enumerate(batch)}
    step = timedelta(seconds=period)
    results = items_of(
        cloudwatch.get_metric_data,
        "MetricDataResults",
        MetricDataQueries=[
            query(name, NAMESPACE, each.metric, dict(sorted(each.dimensions)), period, each.statistic)
            for name, each in ids.items()
        ],
        # On whole periods, as CloudWatch's points.
        StartTime=_floor(start, period),
        EndTime=_floor(now, period) + step,
    )
    points: dict[str, dict[datetime, float]] = {name: {} for name in ids}
    states: dict[str, str] = {}
    for result in results:
        points[result["Id"]] |= zip(result.get("Timestamps", []), result.get("Values", []), strict=True)
        states[result["Id"]] = result.get("StatusCode", "Complete")
    found: dict[Series, Reading | Unreadable] = {}
    for name, series in ids.items():
        # PartialData on the last page means that CloudWatch gave up on the rest.
        state = states.get(name, "no answer")
        if state == "Complete":
            found[series] = summed(points[name], step, start, now)
        else:
            found[series] = Unreadable(f"CloudWatch answered {state}")
    return found


def summed(points: dict[datetime, float], period: timedelta, start: datetime, now: datetime) -> Reading:
    """Sum of the points that reach into the window, and the end of the last one above 0."""
    inside = {time: value for time, value in points.items() if time + period > start}
    used = [min(time + period, now) for time, value in inside.items() if value > 0]
    return Reading(total=sum(inside.values()), last=max(used, default=None))


def _floor(moment: datetime, period: int) -> datetime:
    return moment - timedelta(seconds=moment.timestamp() % period)
