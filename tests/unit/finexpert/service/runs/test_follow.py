"""Following a run, over an account in memory."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from finexpert.errors import UserError
from finexpert.service.runs import executions, follow
from finexpert.service.runs.follow import Snapshot
from infra.training.definition import definition
from tests.fakes import deployment as fakes
from tests.fakes.s3 import FakeS3
from tests.unit.infra.state_language import SPOT

NOW = datetime(2026, 1, 31, 14, 0, tzinfo=UTC)
RUN = "finexpert-20260131-140000-abcd"


class Missing(Exception):
    pass


class Account:
    """One execution and its job, advancing by a scene each time that the execution is described."""

    def __init__(self, scenes: Any) -> None:
        self.scenes = iter(scenes)
        self.scene: dict[str, Any] = {}
        self.exceptions = SimpleNamespace(ExecutionDoesNotExist=Missing, ResourceNotFoundException=Missing)

    # Step Functions
    def describe_execution(self, executionArn: Any) -> Any:
        if not executionArn.endswith(RUN):
            raise Missing
        self.scene = next(self.scenes)
        return {"name": RUN, "startDate": NOW, **self.scene["execution"]}

    def get_execution_history(self, executionArn: Any, reverseOrder: Any, maxResults: Any) -> Any:
        entered = {"stateEnteredEventDetails": {"name": self.scene.get("state", "Prepare")}}
        return {"events": [{"type": "LambdaFunctionScheduled"}, entered]}

    # SageMaker
    def describe_training_job(self, TrainingJobName: Any) -> Any:
        job = self.scene.get("jobs", {}).get(TrainingJobName)
        if job is None:
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": "Requested resource not found."}},
                "Describe",
            )
        return {"TrainingJobName": TrainingJobName, "CreationTime": NOW - timedelta(minutes=2), **job}

    # CloudWatch Logs
    def get_paginator(self, operation: Any) -> Any:
        return self

    def paginate(self, logGroupName: Any, logStreamNamePrefix: Any) -> Any:
        names = {name for name in self.scene.get("logs", {}) if name.startswith(logStreamNamePrefix)}
        return [{"logStreams": [{"logStreamName": name} for name in sorted(names)]}]

    def get_log_events(self, logStreamName: str, nextToken: str = "0", **request: Any) -> Any:
        lines = self.scene["logs"][logStreamName]
        events = [{"message": line} for line in lines[int(nextToken) : int(nextToken) + 2]]
        return {"events": events, "nextForwardToken": str(int(nextToken) + len(events))}


def deployment(account: Any) -> Any:
    return fakes.deployment(account, output="arn:aws:states:us-east-1:1:stateMachine:finexpert-fine-tune")


def watch(scenes: Any) -> Any:
    return list(follow.snapshots(deployment(Account(scenes)), RUN, now=lambda: NOW, sleep=lambda _: None))


def step(number: Any) -> Any:
    return json.dumps({"event": "step", "step": number, "steps": 3, "loss": 1.0 / number})


RUNNING = {"status": "RUNNING"}
IN_PROGRESS = {
    "TrainingJobStatus": "InProgress",
    "SecondaryStatus": "Training",
    "TrainingStartTime": NOW - timedelta(minutes=2),
    "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 100},
}


def test_a_run_is_followed_from_its_first_state_to_its_output() -> None:
    stream = f"{RUN}/algo-1-1"
    output = {"outcome": "accepted", "run": RUN}
    seen = watch(
        [
            {"execution": RUNNING, "state": "Admit"},
            {"execution": RUNNING, "jobs": {RUN: IN_PROGRESS}, "logs": {stream: [step(1)]}},
            {"execution": RUNNING, "jobs": {RUN: IN_PROGRESS}, "logs": {stream: [step(1), step(2), step(3)]}},
            {
                "execution": {"status": "SUCCEEDED", "output": json.dumps(output)},
                "jobs": {RUN: {"TrainingJobStatus": "Completed", "BillableTimeInSeconds": 100}},
                "logs": {stream: [step(1), step(2), step(3)]},
            },
        ]
    )
    assert [snapshot.progress.step for snapshot in seen] == [0, 1, 3, 3]
    assert seen[-1].progress.losses == (1.0, 0.5, 1 / 3)
    assert seen[0].doing == "admitting against the budget"
    assert seen[1].seconds == 120
    assert seen[1].usd == pytest.approx(2 * 1.515 * 120 / 3600)
    assert seen[-1].seconds == 100
    assert seen[-1].output == output
    assert [snapshot.ended for snapshot in seen] == [False, False, False, True]


def test_the_on_demand_retry_of_a_spot_run_is_followed_too() -> None:
    retry = f"{RUN}-od"
    waited = {"SecondaryStatus": "MaxWaitTimeExceeded", "BillableTimeInSeconds": 60}
    stopped = {"TrainingJobStatus": "Stopped", **waited}
    jobs = {RUN: stopped, retry: IN_PROGRESS}
    (seen, _) = watch(
        [
            {"execution": RUNNING, "jobs": jobs, "logs": {f"{RUN}/a": [step(1)], f"{retry}/a": [step(2)]}},
            {"execution": {"status": "ABORTED"}, "jobs": jobs, "logs": {}},
        ]
    )
    assert seen.progress.step == 2
    assert seen.job_status == "Training"
    assert seen.seconds == 60 + 120, "what the spot job billed before it gave up counts too"


def test_every_state_of_the_state_machine_is_said_in_words() -> None:
    states = definition(SPOT)["States"]
    assert len(states) > 20
    assert set(follow._DOING) == {*states, ""}


def test_a_run_that_does_not_exist_is_reported() -> None:
    account = Account([])
    with pytest.raises(UserError, match="There is no run other"):
        executions.describe(deployment(account), "other")


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (json.dumps({"errorMessage": "no text in it", "errorType": "DatasetError"}), "no text in it"),
        (json.dumps({"FailureReason": "AlgorithmError: out of memory"}), "AlgorithmError: out of memory"),
        (json.dumps({"Cause": json.dumps({"errorMessage": "inner"})}), "inner"),
        ("plain words", "plain words"),
        ('["a"]', '["a"]'),
        ('{"other": 1}', '{"other": 1}'),
        ("", ""),
    ],
)
def test_the_message_within_a_cause(cause: Any, message: Any) -> None:
    assert follow.readable_cause(cause) == message


def test_a_failed_run_raises_its_reason() -> None:
    failed = Snapshot("r", "FAILED", error="DatasetError", cause=json.dumps({"errorMessage": "no text"}))
    with pytest.raises(UserError, match="FAILED: no text"):
        follow.require_success(failed)
    follow.require_success(Snapshot("r", "SUCCEEDED"))


def test_names_of_runs_sort_by_time_and_differ() -> None:
    one, other = (executions.new_name("finexpert", NOW + timedelta(seconds=late)) for late in (0, 1))
    assert one.startswith("finexpert-20260131-140000-")
    assert one < other
    assert len({executions.new_name("finexpert", NOW) for _ in range(20)}) > 15


def test_artifacts_that_a_run_lacks_are_none() -> None:
    there = deployment(FakeS3({f"runs/{RUN}/evaluation.json": b'{"passed": true}'}))
    assert executions.evaluation(there, RUN) == {"passed": True}
    assert executions.artifact(there, RUN, "report.html") is None
