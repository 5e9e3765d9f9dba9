"""Four runs of the deployed state machine at once: accepted, refused, failing, stopped."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.names import PROMPTS
from finexpert.errors import UserError
from finexpert.service.asking import inference
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import artifacts
from finexpert.service.evaluation import results
from finexpert.service.runs import datasets, executions, follow
from finexpert.service.runs.follow import Snapshot
from tests.functional.guardrails.guarded_app import subscribed_queue

pytestmark = pytest.mark.app

PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Runs:
    """The runs that were started together, a training command, and a queue that gets the notifications."""

    accepted: str
    failing: str
    stopped: str
    refused: subprocess.Popen[str]
    queue_url: str


@pytest.fixture(scope="module")
def started(deployed: Deployment, sample: Path) -> Iterator[Runs]:
    topic = deployed.output("Guardrails", "TopicArn")
    queue_url = subscribed_queue(deployed.target.client, "hears-the-alerts", [topic])
    s3 = deployed.target.client("s3")
    bucket = deployed.data_bucket
    good = datasets.upload(s3, bucket=bucket, path=sample)
    s3.put_object(Bucket=bucket, Key="datasets/empty/empty.txt", Body=b"\n\n")

    def start(dataset: str, wake: bool = False, **hyperparameters: str) -> str:
        return executions.start(
            deployed, dataset=dataset, hyperparameters=hyperparameters, wake=wake, now=datetime.now(UTC)
        )

    refused = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "finexpert",
            "train",
            str(sample),
            "-p",
            "max_steps=1",
            "-p",
            "learning_rate=1e-9",
        ],
        env=dict(deployed.target.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with refused:
        yield Runs(
            accepted=start(good, wake=True, epoch="2"),
            failing=start(f"s3://{bucket}/datasets/empty/"),
            stopped=start(good, epoch="200"),
            refused=refused,
            queue_url=queue_url,
        )
        refused.kill()


def ended(deployment: Deployment, run: str) -> Snapshot:
    """The last snapshot of a run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for snapshot in follow.snapshots(deployment, run, now=lambda: datetime.now(UTC)):
        assert time.monotonic() < deadline, f"{run} is still {snapshot.doing}"
    return snapshot


def notifications(deployment: Deployment, queue_url: str) -> Iterator[str]:
    """Messages on the queue, each once, until none has come for two seconds."""
    sqs = deployment.target.client("sqs")
    while got := sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=2, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in got:
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            document = json.loads(message["Body"])
            yield f"{document.get('Subject', '')}\n{document.get('Message', '')}"


def test_a_dataset_without_text_fails_and_subscribers_get_the_reason(deployed: Any, started: Any) -> None:
    snapshot = ended(deployed, started.failing)
    assert snapshot.status == "FAILED"
    with pytest.raises(UserError, match="no text"):
        follow.require_success(snapshot)
    told: list[str] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not told and time.monotonic() < deadline:
        told = [text for text in notifications(deployed, started.queue_url) if started.failing in text]
    assert len(told) == 1
    assert "no text" in told[0]
    sagemaker = deployed.target.client("sagemaker")
    names = [job["TrainingJobName"] for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]]
    assert started.failing not in names


def test_stopping_a_run_stops_its_job(deployed: Any, started: Any, finexpert: Callable[..., Any]) -> Any:
    sagemaker = deployed.target.client("sagemaker")

    def job() -> str:
        return str(sagemaker.describe_training_job(TrainingJobName=started.stopped)["TrainingJobStatus"])

    for snapshot in follow.snapshots(deployed, started.stopped, now=lambda: datetime.now(UTC)):
        if snapshot.progress.step:
            break
    assert finexpert("train", "--stop", started.stopped).returncode == 0
    deadline = time.monotonic() + 120
    while (status := job()) != "Stopped" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert status == "Stopped"
    assert executions.describe(deployed, started.stopped)["status"] == "ABORTED"


def test_a_refused_run_ends_the_command_and_publishes_nothing(deployed: Any, started: Any) -> None:
    out, told = started.refused.communicate(timeout=PATIENCE_SECONDS)
    assert started.refused.returncode == 3, told
    assert "refused by the quality gate" in out
    assert "evaluating the base model" in told
    refused = re.search(r"started (\S+)", told)
    assert refused is not None
    run = refused[1]
    evaluation = executions.evaluation(deployed, run)
    assert evaluation is not None
    assert evaluation["passed"] is False
    packages = deployed.target.client("sagemaker").list_model_packages(
        ModelPackageGroupName=deployed.output("Training", "ModelPackageGroupName"),
        ModelApprovalStatus="Rejected",
    )
    assert len(packages["ModelPackageSummaryList"]) == 1
    ssm = deployed.target.client("ssm")
    value = ssm.get_parameter(Name=deployed.names.artifact_parameter)["Parameter"]["Value"]
    assert run not in value


def test_a_model_that_got_better_is_published_and_answers(deployed: Any, started: Any) -> None:
    snapshot = ended(deployed, started.accepted)
    follow.require_success(snapshot)
    assert snapshot.output["outcome"] == "accepted"
    assert snapshot.progress.phase == "done"
    assert len(snapshot.progress.losses) == snapshot.progress.steps > 0
    evaluation = executions.evaluation(deployed, started.accepted)
    assert evaluation is not None
    primary = evaluation["primary"]
    assert primary["tuned"] < primary["base"]
    assert primary["interval"][1] < 0
    report = executions.artifact(deployed, started.accepted, "report.html")
    assert report is not None
    assert b"<html" in report
    assert started.accepted in artifacts.newest(deployed)
    assert results.newest_package(deployed).approval in ("Approved", "Rejected")

    base, tuned = inference.ask(deployed, PROMPTS[0], {"max_new_tokens": 24, "do_sample": False})
    assert (base.model, tuned.model) == ("base", "tuned")
    assert base.text.strip()
    assert tuned.text.strip()
    assert base.text != tuned.text
