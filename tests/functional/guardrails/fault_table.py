"""What can go wrong, what the user sees of it, what is tried again, and what is left.

`ROWS` is the one table: the tests carry out each row on the embedded cloud, and docs/faults.md is written
from it (`render`). A row whose `core` is True runs in `make test`, all of them in `make test-all`.
"""

import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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

Fault = Mapping[str, Any]


class Told:
    """The queue that gets the project's notifications."""

    def __init__(self, app: App) -> None:
        self._sqs = app.client("sqs")
        self._url = subscribed_queue(
            app, "hears-of-faults", [app.deployment.output("Guardrails", "TopicArn")]
        )

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


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that can go wrong.

    name: the row's, and its test's.
    happens: in words, for people.
    faults: what the cloud is asked for.
    carry_out: makes it happen and returns what the user read; it asserts what is particular to the row.
    sees: what must be in that.
    told: where the user sees what, in words.
    retried: in words.
    left: in words; that no job, endpoint or execution is left, and no fault unmet, is asserted for every row.
    core: in `make test` too.
    spot: on an app that is deployed for spot instances.
    """

    name: str
    happens: str
    carry_out: Callable[[App, Told], str]
    sees: str
    told: str
    retried: str
    left: str
    faults: tuple[Fault, ...] = ()
    core: bool = False
    spot: bool = False


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
        steer(app.cloud, f"training-jobs/{run}/interrupt", {"capacity_after_seconds": 0.2})
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


def fault(service: str, operation: str, error: str, **more: Any) -> Fault:
    """What the cloud is asked for."""
    return {"service": service, "operation": operation, "error": error, **more}


# The first object that a run writes is what admission promises it; all others come from its job.
AFTER_ADMISSION = 1
EVERY_TIME = 1_000_000  # a job tries to store its checkpoints again and again, for as long as it runs

ROWS = (
    Row(
        name="throttled-create-training-job",
        happens="SageMaker throttles CreateTrainingJob twice",
        faults=(fault("sagemaker", "CreateTrainingJob", "ThrottlingException", times=2),),
        carry_out=run_ends("SUCCEEDED", jobs=1),
        sees="Report: s3://",
        told="the usual mail",
        retried="the state machine, twice",
        left="one job, billed once",
        core=True,
    ),
    Row(
        name="sagemaker-5xx-while-waiting",
        happens="SageMaker answers 500 to three DescribeTrainingJob",
        faults=(fault("sagemaker", "DescribeTrainingJob", "InternalFailure", times=3),),
        carry_out=run_ends("SUCCEEDED", jobs=1),
        sees="Report: s3://",
        told="the usual mail",
        retried="the state machine, three times",
        left="one job, billed once",
    ),
    Row(
        name="sagemaker-down",
        happens="SageMaker answers 503 to every CreateTrainingJob",
        faults=(
            fault("sagemaker", "CreateTrainingJob", "ServiceUnavailable", times=5, message="come later"),
        ),
        carry_out=run_ends("FAILED", jobs=0),
        sees="come later",
        told="the failure mail",
        retried="the state machine, four times in half a minute",
        left="nothing; start the run again",
    ),
    Row(
        name="lambda-5xx",
        happens="Lambda answers 500 to two invocations by the state machine",
        faults=(fault("lambda", "InvokeFunction", "ServiceException", times=2, status=500),),
        carry_out=run_ends("SUCCEEDED", jobs=1),
        sees="Report: s3://",
        told="the usual mail",
        retried="the state machine, twice",
        left="one job, billed once",
    ),
    Row(
        name="s3-slow-down",
        happens="S3 answers SlowDown to three reads",
        faults=(fault("s3", "GetObject", "SlowDown", times=3),),
        carry_out=run_ends("SUCCEEDED", jobs=1),
        sees="Report: s3://",
        told="the usual mail",
        retried="each reader's SDK",
        left="one job, billed once",
    ),
    Row(
        name="ssm-throttled",
        happens="Parameter Store throttles the accepted model's publication twice",
        faults=(fault("ssm", "PutParameter", "ThrottlingException", times=2),),
        carry_out=run_ends("SUCCEEDED", jobs=1, max_steps="15"),
        sees="was accepted",
        told="the usual mail",
        retried="the state machine, twice",
        left="the model published, once",
    ),
    Row(
        name="no-capacity",
        happens="no instance of the type is free",
        faults=(
            fault(
                "sagemaker",
                "ProvisionTrainingInstance",
                "CapacityError",
                message="Unable to provision requested ML compute capacity. Please retry using a "
                "different ML instance type.",
            ),
        ),
        carry_out=run_ends("FAILED", jobs=1),
        sees="Unable to provision requested ML compute capacity",
        told="the failure mail",
        retried="nothing; only a spot run, as below",
        left="a failed job that costs nothing",
        core=True,
    ),
    Row(
        name="spot-no-capacity",
        happens="no spot instance is free",
        faults=(fault("sagemaker", "ProvisionTrainingInstance", "CapacityError", message="No capacity."),),
        carry_out=run_ends("SUCCEEDED", jobs=2),
        sees="Report: s3://",
        told="the usual mail",
        retried="the state machine, once on demand, if the budget admits it",
        left="a job that costs nothing, and the one that ran",
        spot=True,
    ),
    Row(
        name="spot-interrupted-twice",
        happens="AWS takes the spot instance back twice",
        carry_out=spot_is_taken_back_twice,
        sees="Report: s3://",
        told="the usual mail",
        retried="SageMaker, from the newest checkpoint",
        left="one job; the waits are not billed",
        spot=True,
    ),
    Row(
        name="out-of-memory",
        happens="memory runs out and the training program is killed",
        carry_out=the_program_is_killed,
        sees="exit code: ",
        told="the failure mail",
        retried="nothing; lower the batch size or max_input_length",
        left="a failed job, billed until then",
        core=True,
    ),
    Row(
        name="upload-fails-twice",
        happens="S3 answers 500 to two uploads",
        faults=(fault("s3", "PutObject", "InternalError", skip=AFTER_ADMISSION, times=2),),
        carry_out=run_ends("SUCCEEDED", jobs=1),
        sees="Report: s3://",
        told="the usual mail",
        retried="the uploader's SDK",
        left="one job, billed once",
    ),
    Row(
        name="upload-refused",
        happens="S3 refuses the training job's upload",
        faults=(
            fault(
                "s3",
                "PutObject",
                "AccessDenied",
                skip=AFTER_ADMISSION,
                times=EVERY_TIME,
                status=403,
                message="refused as asked",
            ),
        ),
        carry_out=run_ends("FAILED", jobs=1),
        sees="refused as asked",
        told="the failure mail",
        retried="nothing",
        left="a failed job, billed until then, without checkpoints",
    ),
    Row(
        name="disk-full",
        happens="the training instance's disk is full",
        carry_out=the_disk_is_full,
        sees="The disk is full",
        told="the failure mail",
        retried="nothing; raise volume_gb, or take a larger type",
        left="a failed job, billed until then",
    ),
    Row(
        name="half-an-artifact",
        happens="a job's output in S3 was cut short",
        carry_out=half_an_artifact,
        sees="output.tar.gz",
        told="the failure mail",
        retried="nothing; the run fails",
        left="nothing published",
        core=True,
    ),
    Row(
        name="waking-fails",
        happens="the container of an accepted model does not start",
        faults=(fault("sagemaker", "ProvisionEndpointInstance", "CapacityError", times=20),),
        carry_out=waking_fails,
        sees="could not serve it",
        told="the failure mail: the adapter passed, but is not served",
        retried="nothing; CloudFormation rolls back",
        left="the published model, Hosting asleep; `finexpert wake` tries again",
    ),
    Row(
        name="adapter-does-not-load",
        happens="the endpoint's container cannot load an adapter",
        carry_out=an_adapter_does_not_load,
        sees="does not answer",
        told="`finexpert wake`, the page or the failure mail: the container's reason",
        retried="the wake, which asks three times",
        left="Hosting asleep; the model published before",
    ),
    Row(
        name="component-refused-while-settling",
        happens="SageMaker refuses the adapter's component while its endpoint is still changing",
        faults=(
            fault(
                "sagemaker",
                "CreateInferenceComponent",
                "ValidationException",
                message="Endpoint finexpert is Updating.",
                skip=1,
            ),
        ),
        carry_out=a_component_is_refused_once,
        sees="accepted",
        told="the usual mail",
        retried="the state machine and `finexpert wake`, once, after the rollback",
        left="the endpoint, awake",
    ),
    Row(
        name="endpoint-survives-its-sleep",
        happens="SageMaker refuses to delete the endpoint, and CloudFormation gives up",
        faults=(fault("sagemaker", "DeleteEndpoint", "InternalFailure", times=3),),
        carry_out=an_endpoint_survives_its_sleep,
        sees="finexpert",
        told="a mail of the reaper or the spend guard",
        retried="`finexpert sleep`, the reaper and the spend guard, directly",
        left="nothing",
    ),
    Row(
        name="notifications-refused",
        happens="SNS refuses every message",
        faults=(fault("sns", "Publish", "InternalError", times=5),),
        carry_out=run_ends("SUCCEEDED", jobs=1, told=0),
        sees='"outcome"',
        told="no mail; `finexpert runs` and the execution's output",
        retried="the state machine, four times in half a minute",
        left="the run, as it would have ended",
    ),
    Row(
        name="event-twice-and-late",
        happens="EventBridge delivers the end of a run twice, and that of a run without a job",
        carry_out=stopping_is_told_twice_and_late,
        sees="over",
        told="nothing",
        retried="nothing",
        left="the job stopped once",
        core=True,
    ),
    Row(
        name="function-times-out",
        happens="the spend guard runs out of time three times",
        faults=(
            {"service": "sagemaker", "operation": "ListTrainingJobs", "delay_seconds": 3.0, "times": 20},
        ),
        carry_out=a_function_runs_out_of_time,
        sees="{}",
        told="the alarm on the function's errors",
        retried="Lambda repeats the event twice; the next schedule does the work",
        left="a dead letter",
    ),
)


def render() -> str:
    """docs/faults.md."""
    lines = [
        "# What can go wrong",
        "",
        "`make test-all` carries out each row on the embedded cloud, `make test` those in bold. Afterwards",
        "no execution hangs, no job or endpoint is left, and no job has run twice. The usual mail says how",
        "the run ended, the failure mail “a fine-tune failed” why, with a link to the log.",
        "",
        "| What happens | What you see | What tries again | What is left |",
        "|---|---|---|---|",
    ]
    for row in ROWS:
        happens = f"**{row.happens}**" if row.core else row.happens
        lines.append(f"| {happens} | {row.told} | {row.retried} | {row.left} |")
    lines += [
        "",
        "A killed embedded cloud ends its jobs and endpoints and keeps nothing: `finexpert local up` starts",
        "a clean one, and the app must be deployed again.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render(), end="")
