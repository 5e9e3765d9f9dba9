"""AWS's own estimate of the account's bill, for everything that this project's sum does not see.

`AWS/Billing EstimatedCharges` is the month so far, in total and by service, a few times a day, in us-east-1
only, and only if billing alerts are enabled. It lags hours, so the project's own sum is never replaced by it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.aws import metrics
from core.money.time import month_start

NAMESPACE, METRIC = "AWS/Billing", "EstimatedCharges"
SAGEMAKER = "AmazonSageMaker"
PERIOD_SECONDS = 3600
#: In the first hours of a month the metric may still show the sum of the month before.
SETTLING = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Charges:
    """The newest estimate of the month, and its time: dollars of the whole account and of SageMaker."""

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
    dollars = {"Currency": "USD"}
    wanted = {"total": dollars, "sagemaker": {**dollars, "ServiceName": SAGEMAKER}}
    queries = [
        metrics.query(name, NAMESPACE, METRIC, dimensions, PERIOD_SECONDS, "Maximum")
        for name, dimensions in wanted.items()
    ]
    found = metrics.points(cloudwatch, queries, begin, now + timedelta(hours=1))
    if not found.get("total"):
        return None
    time, total = max(found["total"])
    _, sagemaker = max(found.get("sagemaker") or [(time, 0.0)])
    return Charges(time=time, total_usd=total, sagemaker_usd=sagemaker)
