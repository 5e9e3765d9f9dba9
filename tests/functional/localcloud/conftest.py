"""Fixtures of the embedded cloud's own tests."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

MakeClient = Callable[..., Any]
ROLE = "arn:aws:iam::000000000000:role/guard"
FAILING = "def handler(event, context):\n    print('fired by', event['source'])\n    raise KeyError('x')\n"


class Inbox:
    """A topic and the queue that gets its messages."""

    def __init__(self, client: MakeClient, name: str) -> None:
        self.sqs, self.sns = client("sqs"), client("sns")
        self.topic = self.sns.create_topic(Name=name)["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])[
            "Attributes"
        ]
        raw = {"RawMessageDelivery": "true"}
        self.sns.subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=attributes["QueueArn"], Attributes=raw
        )

    def allow(self, service: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": self.topic,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy)

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
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", FAILING)
    dead_letters = client("sqs").create_queue(QueueName="scheduled-dead-letters")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
    function = client("lambda").create_function(
        FunctionName="guard",
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        DeadLetterConfig={"TargetArn": attributes["Attributes"]["QueueArn"]},
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
