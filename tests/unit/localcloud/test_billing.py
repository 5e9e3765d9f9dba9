"""What the simulated bill trips."""

import json
from datetime import UTC, datetime

import pytest

from localcloud import billing


def notification(
    kind: str, threshold: float, unit: str = "PERCENTAGE", operator: str = "GREATER_THAN"
) -> dict[str, object]:
    limit = {"Threshold": threshold, "ThresholdType": unit, "ComparisonOperator": operator}
    return {"NotificationType": kind, **limit}


@pytest.mark.parametrize(
    ("entry", "breached"),
    [
        (notification("ACTUAL", 80), True),  # 21.5 of 25 dollars are 86 %
        (notification("ACTUAL", 86), False),  # greater than, not as great as
        (notification("ACTUAL", 100), False),
        (notification("FORECASTED", 100), True),
        (notification("ACTUAL", 21, "ABSOLUTE_VALUE"), True),
        (notification("ACTUAL", 22, "ABSOLUTE_VALUE"), False),
        (notification("ACTUAL", 22, "ABSOLUTE_VALUE", "LESS_THAN"), True),
        (notification("ACTUAL", 86, operator="EQUAL_TO"), True),
    ],
)
def test_thresholds(entry: dict[str, object], breached: bool) -> None:
    assert billing.is_breached(entry, limit=25.0, actual=21.5, forecasted=43.0) is breached


def test_forecast_draws_the_month_out_as_it_began() -> None:
    middle = datetime(2026, 6, 16, tzinfo=UTC)  # half of June's thirty days are over
    assert billing.forecast(10.0, middle) == pytest.approx(20.0)


def test_forecast_of_the_first_minute_stays_finite() -> None:
    assert billing.forecast(1.0, datetime(2026, 6, 1, 0, 0, 1, tzinfo=UTC)) == pytest.approx(720.0)


def test_a_new_month_begins_an_empty_bill_and_notifies_again() -> None:
    bill = billing.Bill(month="2026-06", charges={"AmazonSageMaker": 20.0}, sent={("budget", "80")})
    bill.turn(datetime(2026, 6, 30, 23, 59, tzinfo=UTC))
    assert bill.total == 20.0
    bill.turn(datetime(2026, 7, 1, tzinfo=UTC))
    assert (bill.total, bill.sent) == (0, set())


@pytest.mark.parametrize(
    ("principal", "action", "effect", "allowed"),
    [
        ({"Service": "budgets.amazonaws.com"}, "SNS:Publish", "Allow", True),
        ({"Service": ["events.amazonaws.com", "budgets.amazonaws.com"]}, ["sns:Publish"], "Allow", True),
        ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish", "Allow", False),
        ({"Service": "budgets.amazonaws.com"}, "sns:Subscribe", "Allow", False),
        ({"Service": "budgets.amazonaws.com"}, "sns:Publish", "Deny", False),
        ({"AWS": "*"}, "sns:Publish", "Allow", False),
    ],
)
def test_a_topic_must_admit_budgets(principal: object, action: object, effect: str, allowed: bool) -> None:
    policy = json.dumps({"Statement": [{"Effect": effect, "Principal": principal, "Action": action}]})
    assert billing.lets_budgets_publish(policy) is allowed


def test_a_topic_without_a_policy_lets_no_one_publish() -> None:
    assert not billing.lets_budgets_publish(None)
