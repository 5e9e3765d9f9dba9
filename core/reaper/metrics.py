"""CloudWatch in bulk: which series exist, and what they showed, 500 series a call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from core.aws.calls import error_text, list_all
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
    """Seconds a point: a minute where possible, longer when the window would hold more points than a call
    may."""
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
    listing = list_all(cloudwatch.list_metrics, "Metrics", **request)
    if not listing.complete:
        raise RuntimeError(listing.problem)
    return {
        Series(
            metric=found["MetricName"],
            dimensions=frozenset((d["Name"], d["Value"]) for d in found.get("Dimensions", [])),
            statistic=USE[found["MetricName"]],
        )
        for found in listing.items
        if found["MetricName"] in USE
    }


def readings(
    cloudwatch: Any, series: Iterable[Series], *, start: datetime, now: datetime
) -> dict[Series, Reading | Unreadable]:
    """What every series showed from `start` until now. A call or query that fails makes its series
    Unreadable."""
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
    points: dict[str, dict[datetime, float]] = {query: {} for query in ids}
    states: dict[str, str] = {}
    for result in _results(cloudwatch, ids, period, start, now):
        query = result["Id"]
        points[query].update(zip(result.get("Timestamps", []), result.get("Values", []), strict=True))
        states[query] = result.get("StatusCode", "Complete")
    found: dict[Series, Reading | Unreadable] = {}
    for query, series in ids.items():
        # PartialData on the last page means that CloudWatch gave up on the rest.
        state = states.get(query, "no answer")
        if state == "Complete":
            found[series] = summed(points[query], timedelta(seconds=period), start, now)
        else:
            found[series] = Unreadable(f"CloudWatch answered {state}")
    return found


def _results(
    cloudwatch: Any, ids: dict[str, Series], period: int, start: datetime, now: datetime
) -> Iterator[dict[str, Any]]:
    """Results of all pages. Start and end lie on whole periods, as CloudWatch's points do."""
    step = timedelta(seconds=period)
    request = {
        "MetricDataQueries": [_query(query, series, period) for query, series in ids.items()],
        "StartTime": _floor(start, period),
        "EndTime": _floor(now, period) + step,
    }
    following: dict[str, str] = {}
    while True:
        answer = cloudwatch.get_metric_data(**request, **following)
        yield from answer.get("MetricDataResults", [])
        if not answer.get("NextToken"):
            return
        following = {"NextToken": answer["NextToken"]}


def _query(query: str, series: Series, period: int) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in sorted(series.dimensions)]
    return {
        "Id": query,
        "MetricStat": {
            "Metric": {"Namespace": NAMESPACE, "MetricName": series.metric, "Dimensions": dimensions},
            "Period": period,
            "Stat": series.statistic,
        },
    }


def summed(points: dict[datetime, float], period: timedelta, start: datetime, now: datetime) -> Reading:
    """Sum of the points that reach into the window, and the end of the last one above 0."""
    inside = {time: value for time, value in points.items() if time + period > start}
    used = [min(time + period, now) for time, value in inside.items() if value > 0]
    return Reading(total=sum(inside.values()), last=max(used, default=None))


def _floor(moment: datetime, period: int) -> datetime:
    return moment - timedelta(seconds=moment.timestamp() % period)
