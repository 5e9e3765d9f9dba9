"""Refuses requests for metrics as CloudWatch's GetMetricData and GetMetricStatistics do. Pure.

Sources: the API pages of the two operations in the CloudWatch API reference; the words about StartTime and
EndTime as public tools have quoted them (elastic/beats issue 32687, yet-another-cloudwatch-exporter issue
729).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
MAX_STATISTICS = 1_440
SHORT_PERIODS = (1, 5, 10, 20, 30)
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")

Refusal = tuple[str, str]
"""The error's code and message."""


def refusal(operation: str, request: Mapping[str, Any], start: float, end: float) -> Refusal | None:
    """Return why CloudWatch refuses a request, or None; `start` and `end` are seconds since 1970."""
    if start > end:
        return "ValidationError", "The parameter StartTime must be less than the parameter EndTime."
    if start == end:
        return "ValidationError", "The parameter StartTime must not equal parameter EndTime."
    if operation == "GetMetricData":
        return _data(request)
    return _statistics(request, end - start)


def _data(request: Mapping[str, Any]) -> Refusal | None:
    queries: Sequence[Mapping[str, Any]] = request.get("MetricDataQueries") or []
    ids = [str(query.get("Id", "")) for query in queries]
    problems = [
        (not queries, "The parameter MetricDataQueries is required."),
        (len(queries) > MAX_QUERIES, f"A request can have at most {MAX_QUERIES} MetricDataQueries."),
        (len(set(ids)) < len(ids), "The values for parameter id in MetricDataQueries are not unique."),
        (
            any(not _ID.fullmatch(each) for each in ids),
            "The value for id in MetricDataQueries must begin with a lowercase letter, with letters, digits "
            "and underscores after it.",
        ),
        (
            any(bool(query.get("MetricStat")) == bool(query.get("Expression")) for query in queries),
            "Each of MetricDataQueries must have either MetricStat or Expression, and not both.",
        ),
        (
            any(
                not _period(query["MetricStat"].get("Period")) for query in queries if query.get("MetricStat")
            ),
            "The value for period in MetricStat must be 1, 5, 10, 20, 30 or a multiple of 60.",
        ),
        (
            int(request.get("MaxDatapoints") or 1) > MAX_DATAPOINTS,
            f"The value for parameter MaxDatapoints must be at most {MAX_DATAPOINTS}.",
        ),
    ]
    return next((("ValidationError", message) for wrong, message in problems if wrong), None)


def _statistics(request: Mapping[str, Any], seconds: float) -> Refusal | None:
    if bool(request.get("Statistics")) == bool(request.get("ExtendedStatistics")):
        return "InvalidParameterCombination", (
            "When calling GetMetricStatistics, you must specify either Statistics or ExtendedStatistics, but "
            "not both."
        )
    if not _period(period := request.get("Period")):
        return "InvalidParameterValue", "Period must be 1, 5, 10, 20, 30 or a multiple of 60."
    points = int(seconds // int(period or 60))
    if points > MAX_STATISTICS:
        return "InvalidParameterCombination", (
            f"You have requested up to {points} datapoints, which exceeds the limit of {MAX_STATISTICS}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    return None


def _period(seconds: Any) -> bool:
    return seconds in SHORT_PERIODS or (bool(seconds) and int(seconds) % 60 == 0)
