"""The clock that fires the guards."""

import json
from collections.abc import Callable
from typing import Any

from localcloud import lifecycle
from localcloud.lifecycle import Cloud
from tests.fakes.waiting import eventually

MakeClient = Callable[..., Any]


def test_a_schedule_fires_and_its_failure_is_seen(cloud: Cloud, client: MakeClient, scheduled: Any) -> None:
    """rate(1 minute) by the real clock; the error's alarm; two retries and then the dead-letter queue."""
    messages = scheduled.read(1, seconds=240)
    assert json.loads(messages[0])["AlarmName"] == "guard-fails"
    log = lifecycle.logs(cloud.state_dir, "guard")
    assert "fired by aws.events" in log
    assert "KeyError: 'x'" in log
    queue = client("sqs").get_queue_url(QueueName="scheduled-dead-letters")["QueueUrl"]
    receive = client("sqs").receive_message
    dead = eventually(lambda: receive(QueueUrl=queue, WaitTimeSeconds=15).get("Messages"))
    assert json.loads(dead[0]["Body"])
