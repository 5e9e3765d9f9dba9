"""AWS's own estimate of the account's bill, for everything that this project's sum does not see.

`AWS/Billing EstimatedCharges` is the month so far, in total and by service, a few times a day, in us-east-1
only, and only if billing alerts are enabled. It lags hours, so the project's own sum is never replaced by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.money.time import month_start

NAMESPACE, METRIC = "AWS/Billing", "EstimatedCharges"
SAGEMAKER = "AmazonSageMaker"
PERIOD_SECONDS = 3600
#: In the first hours of a month the metric may still tell the sum of the month before.
SETTLING = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Charges:
    """The newest estimate of the month: dollars of the whole account and of SageMaker, and of when."""

    time: datetime
    total_usd: float
    sagemaker_usd: float

    def elsewhere_usd(self, machines_usd_then: float, requests_usd_then: float = 0.0) -> float:
        """Dollars that the project's own sum does not hold.

        Of SageMaker, and of all other services together, it is what goes beyond the own sums of machines
        and of paid requests as they were at `time`: what both have is counted once.
        """
        others = self.total_usd - self.sagemaker_usd
        return max(0.0, others - requests_usd_then) + max(0.0, self.sagemaker_usd - machines_usd_then)


def read(cloudwatch: Any, now: datetime) -> Charges | None:
    """The newest estimate of this month, from a CloudWatch client of `BILLING_REGION`; None if there is none.

    In the month's first hours nothing is asked for: the metric still shows the month before. Clocks that are
    apart do no harm: a point is taken by its own time.
    """
    begin = month_start(now) + SETTLING
    if now < begin:
        return None
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[_query("total", {}), _query("sagemaker", {"ServiceName": SAGEMAKER})],
        StartTime=begin,
        EndTime=now + timedelta(hours=1),
    )
    series = {result["Id"]: _newest(result) for result in answer["MetricDataResults"]}
    newest = series.get("total")
    if newest is None:
        return None
    sagemaker = series.get("sagemaker")
    return Charges(time=newest[0], total_usd=newest[1], sagemaker_usd=sagemaker[1] if sagemaker else 0.0)


def _query(query: str, more: Mapping[str, str]) -> dict[str, Any]:
    dimensions = {"Currency": "USD", **more}
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": METRIC,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    return {"Id": query, "MetricStat": {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": "Maximum"}}


def _newest(result: Mapping[str, Any]) -> tuple[datetime, float] | None:
    points = list(zip(result["Timestamps"], result["Values"], strict=True))
    return max(points) if points else None
