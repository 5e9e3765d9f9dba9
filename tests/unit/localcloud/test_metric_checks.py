"""What CloudWatch refuses of requests for metrics."""

from typing import Any

import pytest

from localcloud.metric_checks import refusal

STAT = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 3600, "Stat": "Maximum"}


def query(**changes: Any) -> dict[str, Any]:
    return {"Id": "total", "MetricStat": STAT, **changes}


def data(*queries: dict[str, Any], start: float = 0, end: float = 3600, **more: Any) -> str:
    found = refusal("GetMetricData", {"MetricDataQueries": list(queries), **more}, start, end)
    return found[1] if found else ""


def statistics(start: float = 0, end: float = 3600, **request: Any) -> str:
    found = refusal("GetMetricStatistics", {"Period": 60, "Statistics": ["Sum"], **request}, start, end)
    return found[1] if found else ""


def test_what_the_pages_allow_passes() -> None:
    assert data(query(), query(Id="b", MetricStat=None, Expression="total * 2")) == ""
    assert data(*(query(Id=f"q{number}") for number in range(500))) == ""
    assert statistics() == "" and statistics(Period=30, end=30 * 1440) == ""


@pytest.mark.parametrize("ask", [lambda **times: data(query(), **times), statistics])
def test_a_window_that_does_not_go_forward_is_refused(ask: Any) -> None:
    assert "must be less than" in ask(start=7200, end=3600)
    assert "must not equal" in ask(start=3600, end=3600)


@pytest.mark.parametrize(
    ("queries", "says"),
    [
        ([], "required"),
        ([query(), query()], "not unique"),
        ([query(Id="Total")], "lowercase"),
        ([query(Expression="1")], "not both"),
        ([query(MetricStat=None)], "not both"),
        ([query(MetricStat=STAT | {"Period": 90})], "multiple of 60"),
        ([query(Id=f"q{number}") for number in range(501)], "at most 500"),
    ],
)
def test_queries_that_the_page_forbids_are_refused(queries: list[dict[str, Any]], says: str) -> None:
    assert says in data(*queries)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"Statistics": []}, "not both"),
        ({"ExtendedStatistics": ["p90"]}, "not both"),
        ({"Period": 45}, "multiple of 60"),
        ({"end": 60 * 1441}, "1441 datapoints"),
    ],
)
def test_statistics_that_the_page_forbids_are_refused(request_: dict[str, Any], says: str) -> None:
    assert says in statistics(**request_)
