"""A benchmark's dollars: admitted against the month, reserved while it runs, and counted when spent."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from core.admission import reservations
from core.admission.reservations import Reservation
from core.money import requests
from core.money.charges import Charges
from core.money.requests import Paid
from core.money.reserve import Exposure
from core.money.settings import BudgetSettings
from core.money.spend import Usage, account
from finexpert.errors import UserError
from finexpert.service.money import costs
from finexpert.service.money.purse import Purse
from tests.fakes.deployment import deployment
from tests.fakes.s3 import FakeS3

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Metrics:
    """CloudWatch's sums of one metric."""

    def __init__(self) -> None:
        self.points: list[tuple[datetime, float]] = []

    def put_metric_data(self, **asked: Any) -> None:
        self.points += [(each["Timestamp"], each["Value"]) for each in asked["MetricData"]]

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        points = [each for each in self.points if asked["StartTime"] <= each[0] < asked["EndTime"]]
        times, values = zip(*points, strict=True) if points else ((), ())
        name = asked["MetricDataQueries"][0]["Id"]
        return {"MetricDataResults": [{"Id": name, "Timestamps": list(times), "Values": list(values)}]}


@pytest.fixture
def month(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A deployment with $25 a month of which $20 are spent, its bucket and its metrics."""
    bucket, metrics = FakeS3(), Metrics()
    budget = BudgetSettings(
        project="app",
        hosting_stack="",
        budget_usd=25.0,
        reserve_usd=1.0,
        exposure=Exposure(period_minutes=5.0),
    )
    clients = {"s3": bucket, "cloudwatch": metrics}
    found = deployment(clients, output="bucket", budget=budget, prefix="app")
    spent = Usage(paid=[Paid(time=NOW - timedelta(days=3), usd=20.0)])
    monkeypatch.setattr(costs, "month_to_date", lambda *_, now: account(spent, region="us-east-1", now=now))
    return SimpleNamespace(deployment=found, bucket=bucket, metrics=metrics)


def reserved(month: SimpleNamespace) -> tuple[Reservation, ...]:
    return reservations.read(month.bucket, "bucket").reservations


def test_a_benchmark_beyond_the_month_is_refused_before_anything_is_sent(month: SimpleNamespace) -> None:
    with pytest.raises(UserError, match=r"may cost \$9.00, and the month has"):
        Purse(month.deployment, 9.0, lambda: NOW).__enter__()
    assert reserved(month) == () and month.metrics.points == []


def test_the_worst_case_is_reserved_while_it_runs_and_given_back(month: SimpleNamespace) -> None:
    with Purse(month.deployment, 2.5, lambda: NOW) as purse:
        (mine,) = reserved(month)
        assert mine.usd == 2.5 and mine.until > NOW + timedelta(hours=1)
        with pytest.raises(UserError, match="promised"):
            Purse(month.deployment, 2.5, lambda: NOW + timedelta(seconds=1)).__enter__()
        purse.spent(0.01)
        assert month.metrics.points == [], "small sums wait"
        purse.spent(0.06)
    assert reserved(month) == ()
    assert sum(value for _, value in month.metrics.points) == pytest.approx(0.07)


def test_dollars_are_counted_even_if_the_run_is_interrupted(month: SimpleNamespace) -> None:
    with pytest.raises(KeyboardInterrupt), Purse(month.deployment, 1.0, lambda: NOW) as purse:
        purse.spent(0.02)
        raise KeyboardInterrupt
    (paid,) = requests.read(month.metrics, project="app", now=NOW)
    assert paid.usd == 0.02 and reserved(month) == ()


def test_paid_requests_are_a_line_of_the_month_and_counted_once() -> None:
    paid = [Paid(time=NOW - timedelta(hours=5), usd=2.0), Paid(time=NOW - timedelta(days=40), usd=9.0)]
    spend = account(Usage(paid=paid), region="us-east-1", now=NOW)
    assert [(line.kind, line.usd) for line in spend.lines] == [("requests", 2.0)]
    charges = Charges(time=NOW - timedelta(hours=1), total_usd=2.5, sagemaker_usd=0.0)
    spend = account(Usage(paid=paid, charges=charges), region="us-east-1", now=NOW)
    assert spend.total_usd == pytest.approx(2.5), "AWS's estimate holds Bedrock's dollars too"
