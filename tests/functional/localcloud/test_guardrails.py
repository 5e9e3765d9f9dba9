"""What guards money: the bill, and the alarms and budgets that it trips."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import signing
from localcloud.lifecycle import Cloud, CloudError

MakeClient = Callable[..., Any]
ACCOUNT = "000000000000"


@pytest.fixture
def no_bill(cloud: Cloud) -> Iterator[None]:
    """The bill is empty before and after."""

    def forget() -> None:
        for service in cloud.ask("GET", "bill")["services"]:
            cloud.ask("POST", "bill", {"service": service, "usd": 0})

    forget()
    yield
    forget()


def alarm(client: MakeClient, name: str, topic: str, dimensions: dict[str, str], threshold: float) -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Billing",
        MetricName="EstimatedCharges",
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Maximum",
        Period=21600,
        EvaluationPeriods=1,
        Threshold=threshold,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )


def state(client: MakeClient, name: str) -> str:
    return str(client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


@pytest.mark.usefixtures("no_bill")
def test_charges_trip_the_alarms_on_their_metric_alone(cloud: Cloud, client: MakeClient, inbox: Any) -> None:
    alarm(client, "total", inbox.topic, {"Currency": "USD"}, 25)
    alarm(client, "sagemaker", inbox.topic, {"ServiceName": "AmazonSageMaker", "Currency": "USD"}, 15)
    cloud.ask("POST", "bill", {"service": "AmazonS3", "usd": 6})
    cloud.ask("POST", "bill", {"service": "AmazonSageMaker", "usd": 14})
    assert (state(client, "total"), state(client, "sagemaker")) == ("OK", "OK")
    answer = cloud.ask("POST", "bill", {"service": "AmazonSageMaker", "usd": 16})
    assert answer["total_usd"] == 22
    assert (state(client, "total"), state(client, "sagemaker")) == ("OK", "ALARM")
    cloud.ask("POST", "bill", {"service": "AmazonSageMaker", "usd": 20})
    assert state(client, "total") == "ALARM"
    assert [json.loads(body)["AlarmName"] for body in inbox.read(2)] == ["sagemaker", "total"]
    client("cloudwatch").delete_alarms(AlarmNames=["total", "sagemaker"])


def budget(client: MakeClient, name: str, topic: str) -> None:
    notification = {"ComparisonOperator": "GREATER_THAN", "ThresholdType": "PERCENTAGE"}
    client("budgets").create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "25", "Unit": "USD"},
        },
        NotificationsWithSubscribers=[
            {
                "Notification": {**notification, "NotificationType": "ACTUAL", "Threshold": threshold},  # type: ignore[dict-item]
                "Subscribers": [
                    {"SubscriptionType": "SNS", "Address": topic},
                    {"SubscriptionType": "EMAIL", "Address": "a@example.com"},
                ],
            }
            for threshold in (50, 80, 100)
        ],
    )


@pytest.mark.usefixtures("no_bill")
def test_a_budget_notifies_once_a_threshold(cloud: Cloud, client: MakeClient, inbox: Any) -> None:
    inbox.allow("budgets.amazonaws.com")
    budget(client, "monthly", inbox.topic)
    assert cloud.ask("POST", "bill", {"service": "AmazonSageMaker", "usd": 10})["notified"] == []
    notified = cloud.ask("POST", "bill", {"service": "AmazonSageMaker", "usd": 21.5})["notified"]
    assert [(n["Threshold"], n["sent_to"]) for n in notified] == [(50, [inbox.topic]), (80, [inbox.topic])]
    assert cloud.ask("POST", "bill", {"service": "AmazonSageMaker", "usd": 22})["notified"] == []
    limit = client("budgets").describe_budget(AccountId=ACCOUNT, BudgetName="monthly")["Budget"]
    assert float(limit["CalculatedSpend"]["ActualSpend"]["Amount"]) == 22.0
    messages = inbox.read(2)
    assert len(messages) == 2
    assert all("Budget Name: monthly" in message for message in messages)
    client("budgets").delete_budget(AccountId=ACCOUNT, BudgetName="monthly")


@pytest.mark.usefixtures("no_bill")
def test_a_topic_closed_to_budgets_stays_silent(cloud: Cloud, client: MakeClient, inbox: Any) -> None:
    inbox.allow("cloudwatch.amazonaws.com")
    budget(client, "silent", inbox.topic)
    notified = cloud.ask("POST", "bill", {"service": "AmazonSageMaker", "usd": 30})["notified"]
    assert {tuple(each["sent_to"]) for each in notified} == {()}
    assert inbox.read(1, seconds=0.5) == []
    client("budgets").delete_budget(AccountId=ACCOUNT, BudgetName="silent")


@pytest.mark.parametrize(
    "body", [b"{}", b"no json", b'{"service": "x", "usd": -1}', b'{"service": "x", "usd": "NaN"}']
)
def test_a_charge_that_is_none_is_refused(cloud: Cloud, body: bytes) -> None:
    path, address = "/_finexpert/bill", cloud.endpoint_url.partition("//")[2]
    key, secret = ACCOUNT, cloud.environment()["AWS_SECRET_ACCESS_KEY"]
    headers = signing.headers("POST", address, path, body, key, secret, datetime.now(UTC))
    request = urllib.request.Request(f"{cloud.endpoint_url}{path}", data=body, headers=headers)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=120)
    assert refusal.value.code == 400


def test_unknown_control_requests_are_refused(cloud: Cloud) -> None:
    with pytest.raises(CloudError, match="There is no GET nonsense"):
        cloud.ask("GET", "nonsense")


def test_metrics_are_asked_for_a_window_that_goes_forward(client: MakeClient) -> None:
    """As on AWS, where the first hours of a month once were such a window."""
    cloudwatch, moment = client("cloudwatch"), datetime(2026, 12, 1, 12, tzinfo=UTC)
    stat = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Period": 3600, "Stat": "Maximum"}
    data = {"MetricDataQueries": [{"Id": "a", "MetricStat": stat}]}
    statistics = {"Namespace": "N", "MetricName": "M", "Period": 3600, "Statistics": ["Sum"]}
    for ask, request in ((cloudwatch.get_metric_data, data), (cloudwatch.get_metric_statistics, statistics)):
        for end in (moment, moment - timedelta(hours=11)):
            with pytest.raises(ClientError, match="StartTime must") as refused:
                ask(StartTime=moment, EndTime=end, **request)
            assert refused.value.response["Error"]["Code"] == "ValidationError"
        ask(StartTime=moment, EndTime=moment + timedelta(hours=1), **request)
