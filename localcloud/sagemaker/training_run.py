"""The life of one training job: data in, the program run, its limits kept, artifacts out."""

import enum
import logging
import shutil
import threading
import time
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from localcloud import platform
from localcloud.faults import faults
from localcloud.sagemaker import archive, artifacts, s3_files, store, telemetry
from localcloud.sagemaker.container import Container
from localcloud.sagemaker.log_stream import Found, LogStream, find_metrics
from localcloud.sagemaker.opt_ml import HOST, OptMl, s3_source
from localcloud.sagemaker.options import options
from localcloud.sagemaker.store import Record

MAX_REASON = 1024  # SageMaker cuts FailureReason to as many characters
logger = logging.getLogger(__name__)
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Spot capacity was taken back; waiting for more",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Resource released: the training job ran longer than MaxRuntimeInSeconds",
    "MaxWaitTimeExceeded": "Resource released: the training job waited longer than MaxWaitTimeInSeconds",
    "Failed": "Training job failed",
}


class End(enum.Enum):
    """The reasons for a program's end; the value is the last SecondaryStatus."""

    FINISHED = "Completed"
    STOPPED = "Stopped"
    MAX_RUNTIME = "MaxRuntimeExceeded"
    MAX_WAIT = "MaxWaitTimeExceeded"
    INTERRUPTED = "Interrupted"


class JobFailed(Exception):
    """The job has failed; the message is its FailureReason."""


class TrainingRun:
    """One job, run by one thread; the other methods ask that thread for something."""

    def __init__(self, job: Record) -> None:
        self._job = job
        self.arn: str = job["TrainingJobArn"]
        self.vpc_config: Record | None = job.get("VpcConfig")
        self._name: str = job["TrainingJobName"]
        self._files = OptMl(platform.state_dir() / "training-jobs" / self._name)
        self._wake = threading.Event()
        self._stop_asked = False
        self._capacity_after: float | None = None  # set by interrupt
        self._killed = False
        self._container: Container | None = None
        self._created = time.monotonic()
        self._ran_seconds = 0.0  # without the waits for spot capacity
        self._metrics: dict[str, Found] = {}
        self._log: LogStream | None = None

    # ---- asked from other threads --------------------------------------------------------------------------

    def stop(self) -> None:
        """End the job early; what the program has written so far is kept."""
        self._stop_asked = True
        store.change(self._job, TrainingJobStatus="Stopping", SecondaryStatus="Stopping")
        self._wake.set()

    def interrupt(self, capacity_after_seconds: float) -> None:
        """Take the spot instance away; there is another one after this many seconds."""
        self._capacity_after = capacity_after_seconds
        self._wake.set()

    def kill(self) -> None:
        """The cloud goes down: end the program at once, leave the rest."""
        self._killed = True
        self._wake.set()
        if self._container:
            self._container.kill()

    # ---- the job's thread ----------------------------------------------------------------------------------

    def run(self) -> None:
        """The whole life. Never raises: a job that cannot go on is Failed with the reason."""
        try:
            end = self._run_until_end()
            if self._killed:
                return
            self._enter("Uploading", "InProgress" if end is End.FINISHED else "Stopping")
            self._store_artifacts()
            self._close(end.value, "Completed" if end is End.FINISHED else "Stopped")
        except JobFailed as failure:
            self._close("Failed", "Failed", reason=str(failure)[:MAX_REASON])
        except (ClientError, BotoCoreError, Boto3Error, s3_files.DataError, archive.UnsafeArchive) as error:
            self._close("Failed", "Failed", reason=f"ClientError: {error}"[:MAX_REASON])
        except Exception:
            if self._killed:
                return
            logger.exception("Training job %s", self._name)
            reason = "InternalServerError: We encountered an internal error. Please try again."
            self._close("Failed", "Failed", reason=reason)

    def _run_until_end(self) -> End:
        self._enter("Starting", "InProgress")
        self._wait(platform.provision_seconds())
        if fault := faults.take("sagemaker", "ProvisionTrainingInstance"):
            raise JobFailed(f"{fault.error}: {fault.text}")
        while True:
            began = time.monotonic()
            end = self._attempt()
            self._ran_seconds += time.monotonic() - began
            if end is not End.INTERRUPTED:
                return end
            waited = self._wait_for_capacity()
            if waited is not None:
                return waited

    def _attempt(self) -> End:
        """One instance's worth of the job: download, run."""
        if self._stop_asked:
            return End.STOPPED
        if not self._job["AlgorithmSpecification"].get("ContainerEntrypoint"):
            image = self._job["AlgorithmSpecification"]["TrainingImage"]
            raise JobFailed(
                "ClientError: The embedded cloud has no container runtime, so it cannot run what image "
                f"{image} starts by itself. Name the program in AlgorithmSpecification.ContainerEntrypoint."
            )
        self._enter("Downloading", "InProgress")
        # Billing starts here, before the download (DescribeTrainingJob).
        if "TrainingStartTime" not in self._job:
            store.change(self._job, TrainingStartTime=store.now())
        credentials = platform.role_credentials(self._job["RoleArn"])
        s3 = platform.role_client("s3", self._job["RoleArn"])
        shutil.rmtree(self._files.root, ignore_errors=True)  # a new instance has an empty disk
        self._files.lay_out(self._job)
        self._download(s3)
        checkpoints = self._checkpoints(s3)
        if checkpoints:
            checkpoints.fetch()
        if self._stop_asked or self._killed:
            return End.STOPPED
        self._enter("Training", "InProgress")
        environment = self._files.environment(self._job, credentials)
        self._container = Container(self._files.command(self._job), environment, self._files.root)
        stream = f"{self._name}/{HOST}-{int(store.now().timestamp())}"
        self._log = LogStream(
            self._container.log_path, platform.TRAINING_JOBS, stream, self._look_for_metrics
        )
        try:
            end, code = self._watch(self._container, checkpoints)
        finally:
            self._container.kill()
            self._log.pump(store.now(), last=True)
            if checkpoints:
                checkpoints.store()
        if end is End.FINISHED and code:
            raise JobFailed(artifacts.algorithm_error(self._files, code, MAX_REASON))
        return end

    def _watch(self, container: Container, checkpoints: s3_files.FolderSync | None) -> tuple[End, int]:
        """Wait for the program's end while its log and checkpoints flow and the limits are kept."""
        began = time.monotonic()
        end, deadline = End.FINISHED, float("inf")
        next_sync = began + options.checkpoint_sync
        while True:
            code = container.exit_code(options.look)
            now = time.monotonic()
            if self._log:
                self._log.pump(store.now())
            if code is not None:
                return end, code
            if checkpoints and now >= next_sync:
                checkpoints.store()
                next_sync = time.monotonic() + options.checkpoint_sync
            if end is End.FINISHED:
                end = self._must_end(self._ran_seconds + now - began)
                if end is not End.FINISHED:
                    if end is not End.INTERRUPTED:
                        self._enter("Stopping", "Stopping")
                    container.terminate()
                    deadline = now + options.stop_grace
            if now >= deadline or self._killed:
                return end, container.kill()

    def _must_end(self, ran_seconds: float) -> End:
        if self._stop_asked:
            return End.STOPPED
        stopping = self._job["StoppingCondition"]
        if ran_seconds >= stopping["MaxRuntimeInSeconds"]:
            return End.MAX_RUNTIME
        if self._waited_too_long():
            return End.MAX_WAIT
        return End.INTERRUPTED if self._capacity_after is not None else End.FINISHED

    def _waited_too_long(self) -> bool:
        longest = self._job["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return longest is not None and time.monotonic() - self._created >= longest

    def _wait_for_capacity(self) -> End | None:
        """Interrupted: wait until there is another instance. None = go on, else why the job ends."""
        self._enter("Interrupted", "InProgress")
        until = time.monotonic() + (self._capacity_after or 0.0)
        self._capacity_after = None
        while (left := until - time.monotonic()) > 0:
            if self._stop_asked or self._waited_too_long():
                return End.STOPPED if self._stop_asked else End.MAX_WAIT
            self._wait(min(left, options.look))
        self._enter("Starting", "InProgress")
        self._wait(platform.provision_seconds())
        return None

    def _wait(self, seconds: float) -> None:
        self._wake.clear()
        if not self._stop_asked and not self._killed:
            self._wake.wait(seconds)

    # ---- data ----------------------------------------------------------------------------------------------

    def _download(self, s3: Any) -> None:
        for channel in self._job.get("InputDataConfig", []):
            uri = s3_source(channel)["S3Uri"]
            if not s3_files.download_prefix(s3, uri, self._files.channel(channel["ChannelName"])):
                raise JobFailed(f"ClientError: Data download failed:S3 key: {uri} matched no files on s3")

    def _checkpoints(self, s3: Any) -> s3_files.FolderSync | None:
        config = self._job.get("CheckpointConfig")
        if not config:
            return None
        return s3_files.FolderSync(s3, self._files.checkpoints(self._job), config["S3Uri"], self._say)

    def _store_artifacts(self) -> None:
        if not self._files.model.exists():
            return  # stopped before there was an instance
        s3 = platform.role_client("s3", self._job["RoleArn"])
        store.change(self._job, ModelArtifacts=artifacts.store(s3, self._files, self._job, self._say))

    # ---- what the rest of the world sees -------------------------------------------------------------------

    def _look_for_metrics(self, line: str, at: datetime) -> None:
        definitions = self._job["AlgorithmSpecification"].get("MetricDefinitions", [])
        for found in find_metrics(line, definitions, at):
            self._metrics[found.name] = found
            dimensions = {"TrainingJobName": self._name}
            platform.put_metric(platform.TRAINING_JOBS, found.name, found.value, "None", dimensions)

    def _say(self, line: str) -> None:
        if self._log:
            self._log.say(line, store.now())

    def _close(self, secondary: str, status: str, reason: str | None = None) -> None:
        """The last state. Without an instance (stopped while starting) there is nothing to bill."""
        if self._killed:
            return
        fields: dict[str, Any] = {"FailureReason": reason}
        start = self._job.get("TrainingStartTime")
        if start:
            end = store.now()
            seconds = (end - start).total_seconds()
            fields |= {
                "TrainingEndTime": end,
                "TrainingTimeInSeconds": max(1, round(seconds)),
                # The bill counts the time on instances. AWS's spot discount is a price; here a spot second
                # counts as a second, and only the waits for capacity are free.
                "BillableTimeInSeconds": max(1, round(seconds - self._waited_seconds())),
            }
        if self._metrics:
            fields["FinalMetricDataList"] = [
                {"MetricName": found.name, "Value": found.value, "Timestamp": found.at}
                for found in self._metrics.values()
            ]
        self._enter(secondary, status, **fields)

    def _waited_seconds(self) -> float:
        """The seconds that the job was Interrupted or Starting again, from its own record of states."""
        waits = [
            row
            for row in self._job["SecondaryStatusTransitions"][1:]
            if row["Status"] in ("Interrupted", "Starting")
        ]
        ended = store.now()
        spans = [(row.get("EndTime", ended) - row["StartTime"]).total_seconds() for row in waits]
        return float(sum(spans))

    def _enter(self, secondary: str, status: str, **fields: Any) -> None:
        """Enter a state: keep it in the record with its time, and send EventBridge's event."""
        at = store.now()
        if self._stop_asked and status == "InProgress":
            status = "Stopping"
        with store.lock:
            past = [dict(row) for row in self._job["SecondaryStatusTransitions"]]
            if past:
                past[-1].setdefault("EndTime", at)
            state = {
                "Status": secondary,
                "StartTime": at,
                "StatusMessage": fields.get("FailureReason") or MESSAGES[secondary],
            }
            if secondary in ("Completed", "Stopped", "Failed", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"):
                state["EndTime"] = at
            copy = store.change(
                self._job,
                SecondaryStatus=secondary,
                TrainingJobStatus=status,
                SecondaryStatusTransitions=[*past, state],
                **fields,
            )
        telemetry.state_event(store.TRAINING_JOB, copy)
