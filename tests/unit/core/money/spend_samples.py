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
HOSTING = "FinExpert-Hosting"


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


def hosting_events(cloud: Cloud, stack_id: str, *moments: tuple[float, str]) -> None:
    """Hosting's stack with an endpoint on one ml.g5.2xlarge, and its events: (hours ago, status)."""
    cloud.events[stack_id] = [
        {
            "StackId": stack_id,
            "EventId": f"{number}",
            "StackName": HOSTING,
            "Timestamp": NOW - ago * HOUR,
            "LogicalResourceId": "Endpoint",
            "ResourceType": STACK if status.startswith("UPDATE") else ENDPOINT,
            "ResourceStatus": status,
        }
        for number, (ago, status) in enumerate(moments)
    ]
    variant = {"InstanceType": "ml.g5.2xlarge", "InitialInstanceCount": 1, "VariantName": "AllTraffic"}
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}}
    cloud.templates[stack_id] = {"Resources": {"C": config}}


def deleted_stack(stack_id: str, **said: Any) -> dict[str, Any]:
    """Hosting's stack in ListStacks after its deletion."""
    named = {"StackName": HOSTING, "StackId": stack_id, "CreationTime": MONTH}
    return {**named, "StackStatus": "DELETE_COMPLETE", **said}


def notebook(name: str, status: str, began: datetime = MONTH) -> dict[str, Any]:
    """A notebook instance in SageMaker's list, whose session began when it was last changed."""
    names = {"NotebookInstanceName": name, "NotebookInstanceStatus": status}
    return {**names, "InstanceType": "ml.t3.medium", "CreationTime": MONTH, "LastModifiedTime": began}


def app(name: str, status: str, began: datetime = MONTH, *, kind: str = "ml.t3.medium") -> dict[str, Any]:
    """A Studio app in SageMaker's list, on an instance of a kind."""
    names = {"AppType": "JupyterLab", "AppName": name, "Status": status}
    return {**names, "CreationTime": began, "ResourceSpec": {"InstanceType": kind}}


def month(cloud: Cloud) -> Spend:
    """The month of the project, as it stands at the cloud's time."""
    return month_to_date(cloud, BUDGET, region=REGION, now=cloud.now, billing=lambda: cloud("cloudwatch"))
