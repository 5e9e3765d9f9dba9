"""CreateTrainingJob, StopTrainingJob and the look-ups: the control plane of training jobs."""

import re
from typing import Any

from botocore.exceptions import ClientError

from localcloud import platform
from localcloud.protocol import not_emulated, validation
from localcloud.sagemaker import catalog, interfaces, store
from localcloud.sagemaker.container import ML
from localcloud.sagemaker.opt_ml import s3_source
from localcloud.sagemaker.s3_files import DataError, list_keys, split_uri
from localcloud.sagemaker.training_run import TrainingRun

# Families without local disks. Source: SageMaker API reference, ResourceConfig.VolumeSizeInGB.
_EBS_ONLY = re.compile(r"ml\.(c[4567][a-z]?|m[4567][a-z]?|r5|t3|p2|p3)\.(?!.*d\.)")
DAY_SECONDS = 86400
_runs: dict[str, TrainingRun] = {}


def create(params: dict[str, Any]) -> dict[str, Any]:
    """Check the request as AWS does before it answers, then start the job in the background."""
    _check_emulated(params)
    _check_limits(params)
    _check_data(params)
    stopping = {"MaxRuntimeInSeconds": DAY_SECONDS} | params.get("StoppingCondition", {})
    record = store.add(
        store.TRAINING_JOB,
        params | {"StoppingCondition": stopping},
        TrainingJobStatus="InProgress",
        SecondaryStatus="Starting",
        SecondaryStatusTransitions=[],
        EnableManagedSpotTraining=params.get("EnableManagedSpotTraining", False),
        EnableNetworkIsolation=params.get("EnableNetworkIsolation", False),
        EnableInterContainerTrafficEncryption=params.get("EnableInterContainerTrafficEncryption", False),
    )
    arn: str = record["TrainingJobArn"]
    with store.lock:
        run = _runs[arn] = TrainingRun(record)
    platform.spawn(_run, run, name=f"training-{record['TrainingJobName']}")
    return {"TrainingJobArn": arn}


def stop(params: dict[str, Any]) -> dict[str, Any]:
    """Ask the program to end (SIGTERM); it has two minutes.

    Raises:
        ApiError: for a job that has ended already.
    """
    with store.lock:  # a job that has just ended must not go back to Stopping
        record = store.find(store.TRAINING_JOB, params["TrainingJobName"])
        status = record["TrainingJobStatus"]
        if status not in ("InProgress", "Stopping"):
            raise validation(f"The request was rejected because the training job is in status {status}.")
        if run := _runs.get(record["TrainingJobArn"]):
            run.stop()
    return {}


def interrupt(name: str, capacity_after_seconds: float) -> None:
    """Take a spot job's instance away, as AWS may at any time, and give it another one after a while.

    Raises:
        ApiError: for a job that is not a running spot job.
    """
    record = store.find(store.TRAINING_JOB, name)
    if not record.get("EnableManagedSpotTraining"):
        raise validation(f"Training job {name} is not a spot job; only those are interrupted.")
    run = _runs.get(record["TrainingJobArn"])
    if run is None or record["TrainingJobStatus"] != "InProgress":
        raise validation(f"Training job {name} does not run, so it cannot be interrupted.")
    run.interrupt(capacity_after_seconds)


def shutdown() -> None:
    """Kill all that runs."""
    with store.lock:
        runs = list(_runs.values())
        _runs.clear()
    for run in runs:
        run.kill()


def _run(run: TrainingRun) -> None:
    held = interfaces.attach(run.vpc_config, run.arn)
    run.run()
    interfaces.release(held)
    with store.lock:
        _runs.pop(run.arn, None)


def _check_emulated(params: dict[str, Any]) -> None:
    for name in ("AlgorithmSpecification", "ResourceConfig"):
        if not params.get(name):
            raise not_emulated("serverless training jobs", f"Give {name}.")
    algorithm, resources = params["AlgorithmSpecification"], params["ResourceConfig"]
    if algorithm.get("AlgorithmName"):
        raise not_emulated("algorithm resources (AlgorithmName)", "Give a TrainingImage.")
    if not algorithm.get("TrainingImage"):
        raise validation("You must specify either TrainingImage or AlgorithmName in AlgorithmSpecification.")
    if resources.get("InstanceGroups") or not resources.get("InstanceType"):
        raise not_emulated("instance groups", "Give InstanceType and InstanceCount in ResourceConfig.")
    if resources.get("InstanceCount", 1) != 1:
        raise not_emulated("training on several instances", "Set InstanceCount to 1.")
    if resources.get("KeepAlivePeriodInSeconds"):
        raise not_emulated("warm pools", "Leave KeepAlivePeriodInSeconds out.")
    local = params.get("CheckpointConfig", {}).get("LocalPath")
    if local and not f"{local}/".startswith(f"{ML}/"):
        raise not_emulated(
            f"checkpoints outside {ML}", f"Set CheckpointConfig.LocalPath to {ML}/checkpoints."
        )
    for channel in params.get("InputDataConfig", []):
        _check_channel(channel, algorithm["TrainingInputMode"])


def _check_channel(channel: dict[str, Any], default_mode: str) -> None:
    name = channel["ChannelName"]
    if not channel["DataSource"].get("S3DataSource"):
        raise not_emulated(f"channel {name}'s data source", "Use an S3DataSource.")
    if s3_source(channel)["S3DataType"] != "S3Prefix":
        raise not_emulated(
            f"channel {name}'s {s3_source(channel)['S3DataType']}", "Set S3DataType to S3Prefix."
        )
    if channel.get("InputMode", default_mode) == "Pipe":
        raise not_emulated("Pipe mode", f"Set channel {name}'s input mode to File or FastFile.")
    if channel.get("CompressionType", "None") != "None" or channel.get("RecordWrapperType", "None") != "None":
        raise not_emulated(f"channel {name}'s compression and record wrapping", "Leave both out.")


def _check_limits(params: dict[str, Any]) -> None:
    stopping, spot = params.get("StoppingCondition", {}), params.get("EnableManagedSpotTraining")
    wait = stopping.get("MaxWaitTimeInSeconds")
    if spot and wait is None:
        raise validation("MaxWaitTimeInSeconds must be given when EnableManagedSpotTraining is true.")
    if wait is not None and not spot:
        raise validation("MaxWaitTimeInSeconds may only be given when EnableManagedSpotTraining is true.")
    if wait is not None and wait < stopping.get("MaxRuntimeInSeconds", DAY_SECONDS):
        raise validation("MaxWaitTimeInSeconds must be equal to or greater than MaxRuntimeInSeconds.")
    resources = params.get("ResourceConfig", {})
    if not resources.get("VolumeSizeInGB") and _EBS_ONLY.match(resources.get("InstanceType", "")):
        # AWS's exact words are not documented
        raise validation(
            f"VolumeSizeInGB must be given for {resources['InstanceType']}: it has no local storage."
        )
    names = [channel["ChannelName"] for channel in params.get("InputDataConfig", [])]
    if len(set(names)) != len(names):
        raise validation("Channel names must be unique within InputDataConfig.")


def _check_data(params: dict[str, Any]) -> None:
    """AWS looks at the input before it accepts a job, with the job's own role."""
    role = params["RoleArn"]
    try:
        if params.get("InputDataConfig"):
            s3 = platform.role_client("s3", role)
            for channel in params["InputDataConfig"]:
                _require_objects(s3, s3_source(channel)["S3Uri"], role)
        split_uri(params["OutputDataConfig"]["S3OutputPath"])
    except DataError as error:
        raise validation(str(error)) from None


def _require_objects(s3: Any, uri: str, role: str) -> None:
    bucket, _prefix = split_uri(uri)
    try:
        found = list_keys(s3, uri)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "AccessDenied"):
            raise
        found = []
    if not found:
        raise validation(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the '
            f"bucket exists in the selected region ({platform.region()}), that objects exist under that S3 "
            f'prefix, and that the role "{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )


OPERATIONS: dict[str, catalog.Operation] = {
    "CreateTrainingJob": create,
    "DescribeTrainingJob": catalog.describing(store.TRAINING_JOB),
    "StopTrainingJob": stop,
    "ListTrainingJobs": catalog.Listing(store.TRAINING_JOB, descending=False, answer="TrainingJobSummaries"),
}
