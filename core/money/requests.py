"""Dollars of paid requests, such as a benchmark's to Amazon Bedrock, counted when they are spent.

AWS bills them hours later. So the sender adds their dollars to a metric of the project, and the month's sum
includes it. A metric needs no right that the guards lack, and two senders cannot overwrite each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.aws import metrics
from core.money.time import month_start
from core.names import METRIC_NAMESPACE

METRIC = "PaidRequestsUSD"
PERIOD_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Paid:
    """Dollars of the requests of one hour, which began at `time`."""

    time: datetime
    usd: float


def record(cloudwatch: Any, *, project: str, usd: float, now: datetime) -> None:
    """Add dollars to the month's sum."""
    if usd > 0:
        metrics.put(cloudwatch, project, [(METRIC, usd, "None")], now)


def read(cloudwatch: Any, *, project: str, now: datetime) -> list[Paid]:
    """The month's dollars, by the hour."""
    query = metrics.query("paid", METRIC_NAMESPACE, METRIC, {"Project": project}, PERIOD_SECONDS, "Sum")
    found = metrics.points(cloudwatch, [query], month_start(now), now + timedelta(minutes=1))
    return [Paid(time=time, usd=usd) for time, usd in found.get("paid", [])]
