"""Every hour of three years: no time window that admission, guard or `costs` asks for is refused by AWS."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from core.guard import published
from core.money.sources import month_to_date
from tests.fakes.cloud import BUDGET, error

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 3 * 365 * 24


class Strict:
    """AWS with nothing in it, as strict about times as it is."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.calls = 0

    def __call__(self, service: str) -> Self:
        return self

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if not operation.startswith(("list_", "get_resources", "lookup_")):
            raise AttributeError(operation)
        return lambda **request: {}

    def get_metric_data(self, *, StartTime: datetime, EndTime: datetime, **request: Any) -> dict[str, Any]:
        if StartTime >= EndTime:
            raise error("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
        results = [{"Id": q["Id"], "Timestamps": [], "Values": []} for q in request["MetricDataQueries"]]
        return {"MetricDataResults": results}

    def lookup_events(self, *, StartTime: datetime, EndTime: datetime, **request: Any) -> dict[str, Any]:
        if StartTime > EndTime or self.now - StartTime > timedelta(days=90):
            raise error("InvalidTimeRangeException", "The time range is not valid.")
        return {"Events": []}

    def describe_stacks(self, **request: Any) -> None:
        raise error("ValidationError", "Stack with id FinExpert-Hosting does not exist")


def hours() -> Iterator[datetime]:
    """Each full hour; the minute differs, so that both sides of every edge are met."""
    return (BEGIN + timedelta(hours=hour, minutes=hour % 60) for hour in range(HOURS))


def test_the_month_can_be_read_at_every_hour() -> None:
    """What admission, the spend guard and `costs` share."""
    aws = Strict()
    for aws.now in hours():
        spend = month_to_date(aws, BUDGET, region="us-east-1", now=aws.now, billing=lambda: aws)
        assert spend.unread == (), aws.now


@pytest.mark.parametrize("read", [published.read, published.spent_so_far])
def test_what_the_guard_published_can_be_read_at_every_hour(read: Callable[..., Any]) -> None:
    aws = Strict()
    for aws.now in hours():
        read(aws, namespace="FinExpert", project="FinExpert", now=aws.now)


def test_the_first_instant_of_a_month_is_no_exception() -> None:
    aws = Strict()
    for month in range(1, 13):
        aws.now = datetime(2027, month, 1, tzinfo=UTC)
        published.spent_so_far(aws, namespace="FinExpert", project="FinExpert", now=aws.now)
