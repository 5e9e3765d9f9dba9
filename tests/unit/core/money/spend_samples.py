"""Times, a job and a price for the tests of spending."""

from datetime import UTC, datetime, timedelta
from typing import Any

from core.money.prices import Price, UnknownPrice
from core.money.sources import month_to_date
from core.money.spend import Fleet, Spend
from core.money.training_job import TrainingJob
from tests.fakes.cloud import BUDGET, NOW, REGION, Cloud

RUN = "finexpert-20261119-100000-0001"
MONTH = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
G5 = (Fleet(instance_type="ml.g5.2xlarge", instances=1),)
ENDPOINT, STACK = "AWS::SageMaker::Endpoint", "AWS::CloudFormation::Stack"


def two_dollars(instance_type: str, region: str, component: str) -> Price:
    if instance_type == "ml.unknown":
        raise UnknownPrice("no price for ml.unknown")
    return Price(
        usd=2.0,
        unit="USD/hour",
        component=component,
        region=region,
        type=instance_type,
        source="test",
        date=NOW.date(),
    )


def job(**changes: Any) -> TrainingJob:
    values: dict[str, Any] = {
        "name": "finexpert-20261120-1",
        "status": "Completed",
        "instance_type": "ml.g5.2xlarge",
        "instances": 1,
        "volume_gb": 0.0,
        "start": NOW - 3 * HOUR,
        "end": NOW - HOUR,
        "billable_seconds": 1800.0,
        "max_runtime_seconds": 7200.0,
    }
    return TrainingJob(**(values | changes))


def month(cloud: Cloud) -> Spend:
    """The month of the project, as it stands at the cloud's time."""
    return month_to_date(cloud, BUDGET, region=REGION, now=cloud.now, billing=lambda: cloud("cloudwatch"))
