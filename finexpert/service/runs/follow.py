"""Follow a run: the execution's state, the job's status, its log. Following can stop and go on later."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from core.aws.errors import if_there
from core.money.training_job import TrainingJob, run_usd
from core.training_jobs import job_names
from finexpert.errors import UserError, advice_on
from finexpert.service.deployment import Deployment
from finexpert.service.runs import executions, logs

_STATES = (
    ("check", "starting", "Defaults Prepare"),
    ("check", "checking the dataset", "ValidateDataset"),
    ("admit", "admitting against the budget", "Admit SpotOrOnDemand SpotLimits OnDemandLimits"),
    ("train", "creating the training job", "CreateLogGroup LimitLogGroup CreateTrainingJob"),
    ("train", "waiting for the training job", "WaitForTraining DescribeTrainingJob TrainingEnded"),
    ("train", "no spot capacity, going on demand", "SpotGaveUp OnDemandInstead"),
    ("judge", "reading the evaluation", "ReadEvaluation"),
    ("judge", "quality gate", "QualityGate"),
    (
        "judge",
        "registering the model",
        "RegisterAccepted RegisterAcceptedWithoutCard RegisterAcceptedFailed RegisterRejected"
        " RegisterRejectedWithoutCard RegisterRejectedFailed PublishArtifact PublishUnserved",
    ),
    (
        "serve",
        "waking Hosting",
        "WakeWanted WakeHosting WakeRefused WaitForOtherUpdate WaitForHosting DescribeHosting HostingAwake"
        " WakeEnded WakeAgain FinishWake",
    ),
    ("notify", "notifying", "NotifyAccepted NotifyRejected Accepted Rejected"),
    (
        "notify",
        "reporting why it failed",
        "TrainingFailed TrainingFailedBecause TrainingStopped WakeFailed Refused RefusedBecause NotifyFailure"
        " Failed",
    ),
)
"""The stage, what is going on in words, and the states of the state machine that they are of."""
_STAGES = {state: stage for stage, _, states in _STATES for state in states.split()}
_DOING = {"": "starting"} | {state: words for _, words, states in _STATES for state in states.split()}
_PHASES = {
    "start": "starting the trainer",
    "weights": "loading the base weights",
    "data": "tokenizing the data",
    "evaluate_base": "evaluating the base model",
    "train": "training",
    "evaluate": "evaluating",
    "save": "saving the adapter",
    "done": "done",
}


def phase_words(phase: str) -> str:
    """Say what the training program does in a phase of its log."""
    return _PHASES.get(phase, phase)


@dataclass(frozen=True)
class Snapshot:
    """A run as it stands.

    Args:
        status: of the execution: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        state: the state machine's current state ("" before the first).
        job_status: SageMaker's secondary status ("" before there is a job).
        seconds: of its training jobs that AWS bills, so far.
        usd: what its training jobs cost so far.
        output: the execution's output document; empty until it succeeded.
        error, cause: of a failed execution.
    """

    run: str
    status: str
    state: str = ""
    job_status: str = ""
    seconds: float = 0.0
    usd: float = 0.0
    progress: logs.Progress = field(default_factory=logs.Progress)
    output: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    @property
    def ended(self) -> bool:
        """True when nothing more will happen."""
        return self.status != "RUNNING"

    @property
    def doing(self) -> str:
        """Say in words what is going on."""
        if self.ended:
            return self.status.lower().replace("_", " ")
        if self.job_status in ("Training", "Interrupted") and self.progress.phase:
            return phase_words(self.progress.phase)
        if self.job_status in ("Pending", "Starting", "Downloading", "Uploading", "Training"):
            return f"training job: {self.job_status.lower()}"
        return _DOING.get(self.state, self.state)


def stage(snapshot: Snapshot) -> str:
    """One word for where a run is: check, admit, train, judge, serve, notify, and at last ended."""
    return "ended" if snapshot.ended else _STAGES.get(snapshot.state, "check")


def snapshots(
    deployment: Deployment,
    run: str,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Snapshot]:
    """Snapshots of a run until it has ended; the last one has `ended`.

    Raises:
        NotFound: there is no such run.
    """
    follower = Follower(deployment, run)
    while True:
        snapshot = follower.look(now())
        yield snapshot
        if snapshot.ended:
            return
        sleep(executions.follow_seconds(deployment))


class Follower:
    """Looks at one run repeatedly; each look reads only the new lines of its log."""

    def __init__(self, deployment: Deployment, run: str) -> None:
        self._deployment, self._run = deployment, run
        self._reader = logs.StreamReader(deployment.target.client("logs"), executions.TRAINING_LOG_GROUP)
        self._progress = logs.Progress()

    def look(self, now: datetime) -> Snapshot:
        """The run as it stands.

        Raises:
            NotFound: there is no such run.
        """
        execution = executions.describe(self._deployment, self._run)
        jobs = training_jobs(self._deployment, self._run)
        job = jobs[-1] if jobs else None
        if job:
            lines = self._reader.new_lines(f"{job['TrainingJobName']}/")
            self._progress = logs.fold(self._progress, lines)
        running = execution["status"] == "RUNNING"
        return Snapshot(
            run=self._run,
            status=execution["status"],
            state=_current_state(self._deployment, self._run) if running else "",
            job_status=job["SecondaryStatus"] if job and job["TrainingJobStatus"] == "InProgress" else "",
            seconds=sum(TrainingJob.of(each).billed_seconds(now) for each in jobs),
            usd=usd(self._deployment, jobs, now),
            progress=self._progress,
            output=executions.output_of(execution),
            error=execution.get("error", ""),
            cause=execution.get("cause", ""),
        )


def usd(deployment: Deployment, jobs: Iterable[Mapping[str, Any]], now: datetime) -> float:
    """The cost of a run's training jobs so far, as it is counted in the month's sum."""
    return run_usd([TrainingJob.of(job) for job in jobs], deployment.names.region, now)


def training_jobs(deployment: Deployment, run: str) -> list[dict[str, Any]]:
    """The run's training jobs, oldest first: its own, and the on-demand one after a spot job that gave up."""
    client = deployment.target.client("sagemaker")
    found: list[dict[str, Any]] = []
    for name in job_names(run):
        job = if_there(partial(client.describe_training_job, TrainingJobName=name))
        if job is None:
            break
        found.append(dict(job))
        if found[-1]["TrainingJobStatus"] in ("InProgress", "Completed"):
            break
    return found


def _current_state(deployment: Deployment, run: str) -> str:
    history = deployment.target.client("stepfunctions").get_execution_history(
        executionArn=executions.execution_arn(deployment, run), reverseOrder=True, maxResults=25
    )
    for event in history["events"]:
        if "stateEnteredEventDetails" in event:
            return str(event["stateEnteredEventDetails"]["name"])
    return ""


def require_success(snapshot: Snapshot) -> None:
    """Raise the reason of a run that did not succeed.

    Raises:
        UserError: with the reason as the failing service gave it.
    """
    if snapshot.status == "SUCCEEDED":
        return
    reason = readable_cause(snapshot.cause) or snapshot.error or "no reason was given"
    raise UserError(
        f"The run ended {snapshot.status}: {reason}",
        where=snapshot.run,
        fix=advice_on(reason) or f"finexpert runs show {snapshot.run}",
    )


def readable_cause(cause: str) -> str:
    """The message in a failure's cause: a Lambda's `errorMessage`, a job's `FailureReason`, or all of it."""
    try:
        document = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    if not isinstance(document, dict):
        return cause
    for key in ("errorMessage", "FailureReason", "Cause", "message", "Message"):
        if document.get(key):
            return readable_cause(str(document[key]))
    return cause
