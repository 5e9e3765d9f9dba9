"""Dollars of paid requests, such as a benchmark's to Amazon Bedrock, counted when they are spent.

AWS bills them hours later. So the sender adds their dollars to a metric of the project, and the month's sum
includes it. A metric needs no right that the guards lack, and two senders cannot overwrite each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
        cloudwatch.put_metric_data(
            Namespace=METRIC_NAMESPACE,
            MetricData=[
                {
                    "MetricName": METRIC,
                    "Dimensions": [{"Name": "Project", "Value": project}],
                    "Timestamp": now,
                    "Value": usd,
                    "Unit": "None",
                }
            ],
        )


def read(cloudwatch: Any, *, project: str, now: datetime) -> list[Paid]:
    """The month's dollars, by the hour."""
    metric = {
        "Namespace": METRIC_NAMESPACE,
        "MetricName": METRIC,
        "Dimensions": [{"Name": "Project", "Value": project}],
    }
    stat = {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": "Sum"}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "paid", "MetricStat": stat}],
        StartTime=month_start(now),
        EndTime=now + timedelta(minutes=1),
    )
    results: Sequence[Any] = answer["MetricDataResults"]
    return [
        Paid(time=time, usd=usd)
        for result in results
        for time, usd in zip(result["Timestamps"], result["Values"], strict=True)
    ]
