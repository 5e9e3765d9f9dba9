"""Fixtures of the embedded cloud's own tests."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.functional.cloud_session import make_queue, policy, zipped
from tests.functional.localcloud.stacks_lab import Stacks

MakeClient = Callable[..., Any]
ROLE = "arn:aws:iam::000000000000:role/guard"
FAILING = "def handler(event, context):\n    print('fired by', event['source'])\n    raise KeyError('x')\n"


class Inbox:
    """A topic and the queue that gets its messages."""

    def __init__(self, client: MakeClient, name: str) -> None:
        self.sqs, self.sns = client("sqs"), client("sns")
        self.topic = self.sns.create_topic(Name=name)["TopicArn"]
        self.queue, arn = make_queue(self.sqs, name)
        raw = {"RawMessageDelivery": "true"}
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes=raw)

    def allow(self, service: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": self.topic,
        }
        self.sns.set_topic_attributes(
            TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy(statement)
        )

    def read(self, count: int, seconds: float = 120.0) -> list[str]:
        """Up to `count` messages, or what has come after the time, and one look more for a surplus."""
        deadline = time.monotonic() + seconds
        bodies: list[str] = []
        while len(bodies) < count and time.monotonic() < deadline:
            bodies += self._take(1)
        return bodies + self._take(0)

    def _take(self, wait: int) -> list[str]:
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        for message in answer.get("Messages", []):
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in answer.get("Messages", [])]

    def remove(self) -> None:
        self.sns.delete_topic(TopicArn=self.topic)
        self.sqs.delete_queue(QueueUrl=self.queue)


@pytest.fixture
def inbox(client: MakeClient) -> Iterator[Inbox]:
    """A topic and its queue for one test."""
    made = Inbox(client, f"inbox-{time.monotonic_ns()}")
    yield made
    made.remove()


@pytest.fixture(scope="session", autouse=True)
def scheduled(client: MakeClient) -> Iterator[Inbox]:
    """A function that fails, fired every minute, with an alarm on its errors that tells this inbox.

    It is set up before the first test, so that its minute passes while the others run.
    """
    inbox = Inbox(client, "scheduled")
    _, dead_letters = make_queue(client("sqs"), "scheduled-dead-letters")
    function = client("lambda").create_function(
        FunctionName="guard",
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(FAILING)},
        DeadLetterConfig={"TargetArn": dead_letters},
    )
    client("cloudwatch").put_metric_alarm(
        AlarmName="guard-fails",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": "guard"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[inbox.topic],
    )
    client("events").put_rule(Name="guard", ScheduleExpression="rate(1 minute)")
    client("events").put_targets(Rule="guard", Targets=[{"Id": "f", "Arn": function["FunctionArn"]}])
    yield inbox
    client("events").remove_targets(Rule="guard", Ids=["f"])
    client("events").delete_rule(Name="guard")
    client("lambda").delete_function(FunctionName="guard")


@pytest.fixture
def stacks(client: MakeClient) -> Iterator[Stacks]:
    """Stacks of one test."""
    made = Stacks(client("cloudformation"))
    yield made
    made.clean()
