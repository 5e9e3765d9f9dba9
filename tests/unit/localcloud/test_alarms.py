"""When an alarm changes state."""

from typing import Any

import pytest

from localcloud import alarms

NOW = 1_000_040.0  # 20 s into a period
PERIOD = 60


def at(periods_ago: int, value: float) -> dict[str, Any]:
    start = (NOW // PERIOD - periods_ago) * PERIOD
    return {"Timestamp": start + 1, "Value": value}


def highest(alarm: dict[str, Any], points: Any) -> float:
    return max(float(point["Value"]) for point in points)


def state(points: list[dict[str, Any]], **changes: Any) -> str | None:
    alarm = {
        "MetricName": "Errors",
        "Period": PERIOD,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        **changes,
    }
    decided = alarms.decide(alarm, points, NOW, highest)
    return decided[0] if decided else None


def test_the_period_under_way_counts_as_soon_as_it_has_data() -> None:
    assert state([at(0, 1), at(1, 0)]) == "ALARM"
    assert state([at(0, 0), at(1, 5)]) == "OK"


def test_without_data_in_the_current_period_the_last_whole_one_counts() -> None:
    assert state([at(1, 5)]) == "ALARM"


def test_older_data_than_the_evaluation_periods_does_not_count() -> None:
    assert state([at(2, 5)]) == "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [("missing", "INSUFFICIENT_DATA"), ("notBreaching", "OK"), ("breaching", "ALARM"), ("ignore", None)],
)
def test_missing_data_is_treated_as_the_alarm_says(treatment: str, expected: str | None) -> None:
    assert state([], TreatMissingData=treatment) == expected


def test_m_of_n_datapoints() -> None:
    points = [at(1, 9), at(2, 0), at(3, 9)]
    assert state(points, EvaluationPeriods=3, DatapointsToAlarm=2) == "ALARM"
    assert state(points, EvaluationPeriods=3) == "OK"


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("GreaterThanThreshold", 1, "OK"),
        ("GreaterThanOrEqualToThreshold", 1, "ALARM"),
        ("LessThanThreshold", 0, "ALARM"),
        ("LessThanOrEqualToThreshold", 2, "OK"),
    ],
)
def test_comparisons(operator: str, value: float, expected: str) -> None:
    assert state([at(1, value)], ComparisonOperator=operator) == expected


def test_an_alarm_on_metric_math_is_left_as_it_is() -> None:
    empty = {"Metrics": [], "ComparisonOperator": "GreaterThanThreshold"}
    assert alarms.decide(empty, [], NOW, highest) is None
