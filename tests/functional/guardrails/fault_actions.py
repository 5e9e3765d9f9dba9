"""How each fault of `fault_table.py` is made to happen on the embedded cloud, and what the user reads."""

import json
import os
import signal
from collections.abc import Callable

from core.endpoint import hosting
from finexpert.service.deployment import describe_stack
from finexpert.service.runs import executions
from tests.functional.guardrails.guarded_app import (
    App,
    eventually,
    names_of_endpoints,
    steer,
    subscribed_queue,
)
from tests.functional.guardrails.teardown_states import settled, upload_adapter


class Told:
    """The queue that gets the project's notifications."""

    def __init__(self, app: App) -> None:
        self._sqs = app.client("sqs")
        topic = app.deployment.output("Guardrails", "TopicArn")
        self._url = subscribed_queue(app.client, "hears-of-faults", [topic])

    def of(self, run: str) -> list[str]:
        """The notifications about a run that have come until now; each is given once."""
        texts = []
        while got := self._sqs.receive_message(
            QueueUrl=self._url, WaitTimeSeconds=1, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in got:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                document = json.loads(message["Body"])
                texts.append(f"{document.get('Subject', '')}\n{document.get('Message', '')}")
        return [text for text in texts if run in text]


def run_ends(status: str, *, jobs: int, told: int = 1, **hyperparameters: str) -> Callable[[App, Told], str]:
    """Carry out a run: it ends this way, after this many jobs, and its end was reported this often."""

    def carry_out(app: App, inbox: Told) -> str:
        run = app.start(**{"max_steps": "2", **hyperparameters})  # type: ignore[arg-type]
        return _end(app, inbox, run, status, jobs=jobs, told=told)

    return carry_out


def _end(app: App, inbox: Told, run: str, status: str, *, jobs: int, told: int = 1) -> str:
    execution = app.ended(run)
    assert execution["status"] == status, execution.get("cause") or execution.get("output")
    assert len(jobs_of(app, run)) == jobs, "nothing is billed twice"
    heard = inbox.of(run)
    assert len(heard) == told, heard
    return heard[0] if heard else str(execution.get("output", ""))


def the_program_is_killed(app: App, inbox: Told) -> str:
    """As the kernel does when memory ends."""
    run = app.start(epoch="500")
    process = eventually(lambda: program_of(app, run), why="the program does not run")
    os.kill(process, signal.SIGKILL)
    return _end(app, inbox, run, "FAILED", jobs=1)


def the_disk_is_full(app: App, inbox: Told) -> str:
    """The adapter's files cannot be written: Linux's /dev/full takes no byte. They are written to a folder
    of their own first, so that is where they meet it."""
    run = app.start(epoch="500", max_steps="30")
    eventually(lambda: program_of(app, run), why="the program does not run")
    job = app.cloud.state_dir / "training-jobs" / run
    full = job / "full"
    full.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (full / name).symlink_to("/dev/full")
    (job / "model" / ".partial").symlink_to(full)
    return _end(app, inbox, run, "FAILED", jobs=1)


def spot_is_taken_back_twice(app: App, inbox: Told) -> str:
    """Each time after a checkpoint was written; the job goes on from it."""
    run = app.start(max_steps="60", save_steps="5")
    for _ in range(2):
        eventually(lambda: program_of(app, run), why="the program does not run")
        eventually(lambda: checkpoints_of(app, run), why="there is no checkpoint")
        steer(app.cloud, "interrupt", {"job": run, "capacity_after_seconds": 0.2})
        eventually(lambda: not program_of(app, run), why="the instance was not taken back")
    heard = _end(app, inbox, run, "SUCCEEDED", jobs=1)
    job = app.client("sagemaker").describe_training_job(TrainingJobName=run)
    states = [row["Status"] for row in job["SecondaryStatusTransitions"]]
    assert states.count("Interrupted") == 2, states
    return heard


def stopping_is_told_twice_and_late(app: App, inbox: Told) -> str:
    """The event of an aborted run is delivered once more, and then for a run that there never was."""
    run = app.start(epoch="500")
    eventually(lambda: program_of(app, run), why="the program does not run")
    assert executions.stop(app.deployment, run)
    eventually(lambda: jobs_of(app, run) == ["Stopped"], why="the job was not stopped")
    event = {"detail": {"name": run, "status": "ABORTED"}}
    again = app.invoke("stop-training", event)
    assert again == {"stopped": [], "absent": [f"{run}-od"], "over": [run]}
    early = app.invoke("stop-training", {"detail": {"name": "finexpert-0", "status": "ABORTED"}})
    assert early["absent"] == ["finexpert-0", "finexpert-0-od"]
    return "over"


def a_function_runs_out_of_time(app: App, inbox: Told) -> str:
    """The guard hangs each time that it is called for an event; Lambda's alarm and the dead letters tell."""
    name = app.deployment.names.function("spend-guard")
    app.client("lambda").update_function_configuration(FunctionName=name, Timeout=1)
    queue = app.deployment.output("Guardrails", "DeadLetterQueueUrl")
    try:
        app.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
        sqs = app.client("sqs")
        letters = eventually(
            lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"),
            why="the event that failed three times is not among the dead letters",
        )
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=letters[0]["ReceiptHandle"])
    finally:
        app.client("lambda").update_function_configuration(FunctionName=name, Timeout=300)
    assert app.invoke("spend-guard")["problems"] == [], "the next run does all that the last could not"
    return str(letters[0])


def waking_fails(app: App, inbox: Told) -> str:
    """A run that is accepted is to be served, and no instance can be had for it."""
    run = app.start(wake=True, max_steps="15")
    heard = _end(app, inbox, run, "FAILED", jobs=1)
    assert describe_stack(app.deployment, "Hosting")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    parameter = app.client("ssm").get_parameter(Name=app.deployment.names.artifact_parameter)
    assert run in parameter["Parameter"]["Value"], "what was accepted stays published"
    return heard


def an_adapter_does_not_load(app: App, inbox: Told) -> str:
    """Its component is in service all the same, until the wake's last step asks it."""
    stack, uri = app.deployment.names.stack("Hosting"), upload_adapter(app, rank=128)
    hosting.wake(app.client("cloudformation"), stack, uri)
    assert settled(app) == "UPDATE_COMPLETE"
    answer = app.invoke("finish-wake", {"artifact": uri, "again": False})
    assert answer["errorType"] == "ModelUnanswered", answer
    settled(app)
    return str(answer["errorMessage"])


def a_component_is_refused_once(app: App, inbox: Told) -> str:
    """The run's adapter is to be served, and its component comes while the endpoint still settles."""
    run = app.start(wake=True, max_steps="15")
    heard = _end(app, inbox, run, "SUCCEEDED", jobs=1)
    assert names_of_endpoints(app) == {app.deployment.names.endpoint}
    hosting.sleep(app.client("cloudformation"), app.deployment.names.stack("Hosting"))
    settled(app)
    return heard


def an_endpoint_survives_its_sleep(app: App, inbox: Told) -> str:
    """CloudFormation gives its deletion up, and says that all is well."""
    cloudformation, stack = app.client("cloudformation"), app.deployment.names.stack("Hosting")
    hosting.wake(cloudformation, stack, upload_adapter(app))
    settled(app)
    hosting.sleep(cloudformation, stack)
    assert settled(app) == "UPDATE_COMPLETE"
    assert names_of_endpoints(app) == {app.deployment.names.endpoint}
    done: list[str] = []

    def reaped() -> bool:
        done.append(json.dumps(app.invoke("idle-reaper", None, **AT_ONCE)))
        return not names_of_endpoints(app)

    eventually(reaped, why="the endpoint is still there")
    return " ".join(done)


AT_ONCE = {"DRY_RUN": "false", "IDLE_MINUTES": "0.01", "MIN_AGE_MINUTES": "0", "METRIC_DELAY_MINUTES": "0"}


def half_an_artifact(app: App, inbox: Told) -> str:
    """A run's output was cut short in S3: the evaluation cannot be read."""
    bucket = app.deployment.output("Storage", "ArtifactBucketName")
    app.client("s3").put_object(Bucket=bucket, Key="runs/half/output/output.tar.gz", Body=b"\x1f\x8b\x08\x00")
    job = {
        "TrainingJobName": "half",
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://{bucket}/runs/half/output/model.tar.gz"},
        "BillableTimeInSeconds": 1,
    }
    admission = {"usd_per_hour": 1.515}
    answer = app.invoke("read-evaluation", {"run": "half", "training_job": job, "admission": admission})
    assert "errorMessage" in answer, answer
    return str(answer["errorMessage"])


def jobs_of(app: App, run: str) -> list[str]:
    """The status of each of a run's training jobs."""
    found = app.client("sagemaker").list_training_jobs(NameContains=run)["TrainingJobSummaries"]
    return [str(job["TrainingJobStatus"]) for job in found]


def checkpoints_of(app: App, run: str) -> int:
    """How many objects the run's checkpoints have in S3."""
    bucket = app.deployment.output("Storage", "ArtifactBucketName")
    return int(app.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"checkpoints/{run}/")["KeyCount"])


def program_of(app: App, run: str) -> int:
    """The process of a run's program, 0 while there is none."""
    running = {process["name"]: process["pid"] for process in app.cloud.health()["processes"]}
    return next((int(pid) for name, pid in running.items() if run in name), 0)
