"""Wake the endpoint, put it to sleep, or keep the idle reaper away from it for some hours."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from core.aws.calls import is_missing
from core.endpoint import hosting
from core.endpoint.hosting import BASE, Hosting, HostingState
from core.names import DELETE_AFTER_TAG, KEEP_TAG
from finexpert.errors import NotFound, NothingToServe, UserError
from finexpert.service.deployment import Deployment, describe_stack
from finexpert.service.runs import executions

Progress = Callable[[Hosting, float], None]
WAIT_SECONDS = 1800.0


def read(deployment: Deployment) -> Hosting:
    """The Hosting stack as it stands."""
    return hosting.read(deployment.target.client("cloudformation"), deployment.names.stack("Hosting"))


def models(deployment: Deployment) -> dict[str, str | None]:
    """The models behind the endpoint by name, each with its inference component (None: it has one model).

    There is no tuned one while the endpoint serves the base model alone.
    """
    if deployment.settings.hosting == "merged":
        return {"tuned": None}
    base = {"base": deployment.output("Hosting", "BaseComponentName")}
    if read(deployment).artifact == BASE:
        return {**base}
    return {**base, "tuned": deployment.output("Hosting", "TunedComponentName")}


def require_present(deployment: Deployment) -> Hosting:
    """The Hosting stack as it stands.

    Raises:
        NotDeployed: it is not here, which is not the same as being asleep.
    """
    found = read(deployment)
    if found.state is HostingState.ABSENT:
        describe_stack(deployment, "Hosting")
    return found


def wake(deployment: Deployment, run: str | None, *, progress: Progress) -> Hosting:
    """Serve a run's adapter (the newest accepted one if `run` is None) and wait until it answers.

    Raises: as `begin_wake`; HostingError also where it rolled back.
    """
    begin_wake(deployment, run)
    return _settle(deployment, HostingState.AWAKE, progress)


def begin_wake(deployment: Deployment, run: str | None) -> Hosting:
    """Ask for `wake` without waiting for it.

    Raises:
        NotDeployed: there is no Hosting stack here.
        NotFound: there is no such adapter.
        NothingToServe: `run` is None, and none has passed the quality gate yet.
        core.endpoint.hosting.HostingError: CloudFormation refused.
    """
    require_present(deployment)
    return _serve(deployment, _artifact_of(deployment, run) if run else newest_artifact(deployment))


def wake_base(deployment: Deployment, *, progress: Progress) -> Hosting:
    """Serve the base model alone, which needs no run, and wait until it answers.

    Raises:
        UserError: hosting is merged: its endpoint serves what a run has merged.
        core.endpoint.hosting.HostingError: CloudFormation could not do it and rolled back.
    """
    if deployment.settings.hosting == "merged":
        raise UserError(
            "With merged hosting the endpoint has one model, the one that a run has merged.",
            where="setting hosting",
            fix="Set hosting to components and deploy; or serve a run: finexpert wake.",
        )
    require_present(deployment)
    _serve(deployment, BASE)
    return _settle(deployment, HostingState.AWAKE, progress)


def sleep(deployment: Deployment, *, progress: Progress) -> Hosting:
    """Remove endpoint and components and wait until nothing of them bills.

    Raises:
        NotDeployed: there is no Hosting stack here.
        core.endpoint.hosting.HostingError: CloudFormation could not do it.
    """
    begin_sleep(deployment)
    return _settle(deployment, HostingState.ASLEEP, progress)


def begin_sleep(deployment: Deployment, *, cancel: bool = False) -> Hosting:
    """Ask for `sleep` without waiting for it.

    Args:
        cancel: break off a wake-up that is under way.

    Raises:
        NotDeployed: there is no Hosting stack here, which is not the same as being asleep.
        core.endpoint.hosting.HostingBusy: another change is under way; with `cancel`, it is being cancelled.
        core.endpoint.hosting.HostingError: CloudFormation refused.
    """
    require_present(deployment)
    cloudformation, stack = deployment.target.client("cloudformation"), deployment.names.stack("Hosting")
    return hosting.sleep(cloudformation, stack, cancel=cancel)


def newest_artifact(deployment: Deployment) -> str:
    """S3 URI of the newest adapter that passed the quality gate.

    Raises:
        NothingToServe: none has yet.
    """
    client = deployment.target.client("ssm")
    name = deployment.names.artifact_parameter
    try:
        value = str(client.get_parameter(Name=name)["Parameter"]["Value"])
    except client.exceptions.ParameterNotFound:
        value = ""
    if not value.startswith("s3://"):
        raise NothingToServe(
            "No run has passed the quality gate yet, so there is nothing to serve.",
            where=name,
            fix="Train one: finexpert train PATH. Or name a run: finexpert wake RUN. Or serve the base model"
            " alone: finexpert wake --base.",
        )
    return value


def _artifact_of(deployment: Deployment, run: str) -> str:
    bucket, key = deployment.output("Storage", "ArtifactBucketName"), f"runs/{run}/output/model.tar.gz"
    s3 = deployment.target.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents")
    if not found:
        executions.describe(deployment, run)  # says so if there is no such run at all
        raise NotFound(
            f"The run {run} has no adapter.", where=f"s3://{bucket}/{key}", fix=f"finexpert runs show {run}"
        )
    return f"s3://{bucket}/{key}"


def _serve(deployment: Deployment, artifact: str) -> Hosting:
    cloudformation, stack = deployment.target.client("cloudformation"), deployment.names.stack("Hosting")
    return hosting.wake(cloudformation, stack, artifact)


def _settle(deployment: Deployment, wanted: HostingState, progress: Progress) -> Hosting:
    local = deployment.target.is_local
    return hosting.wait(
        deployment.target.client("cloudformation"),
        deployment.names.stack("Hosting"),
        wanted,
        seconds=WAIT_SECONDS,
        progress=progress,
        pause=(lambda _: time.sleep(0.3)) if local else time.sleep,
    )


def snooze(clients: Callable[[str], Any], name: str, hours: float, now: datetime) -> datetime:
    """Write the keep tag with an end, and take a warning's deadline off; answers the end, UTC.

    Raises:
        UserError: there is no such endpoint.
    """
    sagemaker = clients("sagemaker")
    until = (now + timedelta(hours=hours)).astimezone(UTC).replace(second=0, microsecond=0)
    try:
        arn = sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"]
    except Exception as error:
        if not is_missing(error):
            raise
        raise UserError(
            f"There is no endpoint {name} here.",
            fix="What there is: finexpert reap --dry-run. If the reaper deleted it: finexpert restore "
            + name,
        ) from error
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": KEEP_TAG, "Value": f"{until:%Y-%m-%dT%H:%MZ}"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=[DELETE_AFTER_TAG])
    return until
