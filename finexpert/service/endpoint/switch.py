"""Wake the endpoint, put it to sleep, or keep the idle reaper away from it for some hours."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from core.aws.calls import Clients, list_all
from core.aws.errors import if_there
from core.endpoint import hosting, waking
from core.endpoint.hosting import BASE, Hosting, HostingBusy, HostingError, HostingState
from core.endpoint.sleeping import Slept, Way, endpoint_name, exists, put_to_sleep
from core.endpoint.waking import ModelUnanswered, Outcome
from core.names import DELETE_AFTER_TAG, KEEP_TAG
from finexpert.errors import UserError
from finexpert.service.deployment import Deployment, describe_stack
from finexpert.service.endpoint import artifacts

Progress = Callable[[Hosting, float], None]
WAIT_SECONDS = 1800.0


def read(deployment: Deployment) -> Hosting:
    """The Hosting stack as it stands."""
    return hosting.read(deployment.target.client("cloudformation"), deployment.names.stack("Hosting"))


def models(deployment: Deployment) -> dict[str, str | None]:
    """The models behind the endpoint by name, each with its inference component (None: it has one model)."""
    merged = deployment.settings.hosting == "merged"
    return hosting.models(deployment.names, read(deployment).artifact, merged=merged)


def require_present(deployment: Deployment) -> Hosting:
    """The Hosting stack as it stands.

    Raises:
        NotDeployed: it is not here, which is not the same as being asleep.
    """
    found = read(deployment)
    if found.state is HostingState.ABSENT:
        describe_stack(deployment, "Hosting")
    return found


def wake(deployment: Deployment, run: str | None, *, progress: Progress, refused: bool = False) -> Hosting:
    """Serve a run's adapter (the newest accepted one if `run` is None) and wait until it answers.

    Args:
        refused: serve the run although the quality gate has not accepted it.

    Raises: as `begin_wake`; HostingError also where it rolled back, ModelUnanswered where a model does not
        answer.
    """
    require_present(deployment)
    return _wake(deployment, artifacts.wanted(deployment, run, refused=refused), progress)


def begin_wake(deployment: Deployment, run: str | None) -> Hosting:
    """Ask for `wake` without waiting for it.

    Raises:
        NotDeployed: there is no Hosting stack here.
        NotFound: there is no such adapter.
        NothingToServe: `run` is None, and none has passed the quality gate yet.
        core.endpoint.hosting.HostingError: CloudFormation refused.
    """
    require_present(deployment)
    return _serve(deployment, artifacts.wanted(deployment, run), None)


def wake_base(deployment: Deployment, *, progress: Progress) -> Hosting:
    """Serve the base model alone, which needs no run, and wait until it answers.

    Raises:
        UserError: hosting is merged: its endpoint serves what a run has merged.
        core.endpoint.hosting.HostingError: CloudFormation could not do it and rolled back.
        core.endpoint.waking.ModelUnanswered: it woke and does not answer.
    """
    if deployment.settings.hosting == "merged":
        raise UserError(
            "With merged hosting the endpoint has one model, the one that a run has merged.",
            where="setting hosting",
            fix="Set hosting to components and deploy; or serve a run: finexpert wake.",
        )
    require_present(deployment)
    return _wake(deployment, BASE, progress)


def finish_wake(deployment: Deployment, artifact: str | None = None) -> Outcome:
    """Ask each model of a woken endpoint one question; see `core.endpoint.waking.finish`."""
    return waking.finish(
        deployment.target.client,
        deployment.names,
        merged=deployment.settings.hosting == "merged",
        artifact=artifact,
        pause=_pause(deployment),
    )


def sleep(deployment: Deployment, *, progress: Progress) -> Slept:
    """Remove endpoint and components and wait until nothing of them bills.

    Raises:
        NotDeployed: there is no Hosting stack here.
        core.endpoint.hosting.HostingError: something of it still bills.
    """
    slept = begin_sleep(deployment)
    if slept.way in (Way.STACK, Way.UNDER_WAY):
        _settle(deployment, HostingState.ASLEEP, progress)
        # CloudFormation gives up a deletion that fails, and then says that all is well.
        left = begin_sleep(deployment)
        return left if left.way is Way.DIRECTLY else slept
    return slept


def begin_sleep(deployment: Deployment, *, cancel: bool = False, seconds: float = 120.0) -> Slept:
    """Ask for `sleep` without waiting for it; where CloudFormation refuses, delete the endpoint directly.

    Args:
        cancel: break off a wake-up that is under way.
        seconds: the most that a direct removal may take.

    Raises:
        NotDeployed: there is no Hosting stack here, which is not the same as being asleep.
        core.endpoint.hosting.HostingBusy: another change is under way; with `cancel`, it is being cancelled.
        core.endpoint.hosting.HostingError: the endpoint could not be removed in either way.
    """
    slept = put_to_sleep(
        deployment.target.client,
        project=deployment.names.project,
        stack=deployment.names.stack("Hosting"),
        now=datetime.now(UTC),
        cancel=cancel,
        seconds=seconds,
        pause=_pause(deployment),
    )
    if slept.way is Way.BUSY:
        raise HostingBusy(slept.problem)
    if slept.problem:
        raise HostingError(slept.problem)
    if slept.way is Way.NOTHING:
        require_present(deployment)
    return slept


def _serve(deployment: Deployment, artifact: str, progress: Progress | None) -> Hosting:
    """Update the stack to `artifact`, after repairing a state from which that could not work.

    A stack that says awake of an endpoint that is gone has drifted: it must go to sleep first, so that it
    makes the endpoint anew. One that says asleep of an endpoint that is there could not make it, nor could
    one that says base alone make an adapter's component that is there.

    Args:
        progress: shows a repair, which is waited for; None: it is only begun.

    Raises:
        core.endpoint.hosting.HostingBusy: the repair was begun; the same call wakes when it has ended.
    """
    clients, stack = deployment.target.client, deployment.names.stack("Hosting")
    current = read(deployment)
    name = endpoint_name(deployment.names.project, current)
    if current.state in (HostingState.AWAKE, HostingState.ASLEEP):
        found = exists(clients, project=deployment.names.project, stack=stack, name=name)
        if current.state is HostingState.ASLEEP:
            if found:
                begin_sleep(deployment)
            _gone(deployment, f"endpoint {name}", lambda: _endpoint_is_there(clients, name), progress)
        elif not found:
            hosting.sleep(clients("cloudformation"), stack)
            if progress is None:
                raise HostingBusy(
                    f"{stack} said awake of an endpoint that was deleted, and is being repaired: ask again in"
                    " a minute."
                )
            _settle(deployment, HostingState.ASLEEP, progress)
        elif current.artifact == BASE != artifact:
            _remove_adapter(deployment, name, progress)
    return hosting.wake(clients("cloudformation"), stack, artifact)


def _endpoint_is_there(clients: Clients, name: str) -> bool:
    """Whether the endpoint exists, also while it is being deleted: until then its name is taken."""
    return if_there(lambda: clients("sagemaker").describe_endpoint(EndpointName=name)) is not None


def _remove_adapter(deployment: Deployment, endpoint: str, progress: Progress | None) -> None:
    """Remove an adapter's component that outlived its stack's update: the next one has the same name."""
    sagemaker, tuned = deployment.target.client("sagemaker"), deployment.names.tuned_component

    def is_there() -> bool:
        listing = list_all(
            sagemaker.list_inference_components, "InferenceComponents", EndpointNameEquals=endpoint
        )
        return tuned in [each["InferenceComponentName"] for each in listing.items]

    if is_there():
        sagemaker.delete_inference_component(InferenceComponentName=tuned)
        _gone(deployment, f"component {tuned}", is_there, progress)


def _gone(deployment: Deployment, what: str, is_there: Callable[[], bool], progress: Progress | None) -> None:
    """Wait until a thing is deleted, which takes minutes; without `progress` raise at once if it is not."""
    end = time.monotonic() + WAIT_SECONDS
    while is_there():
        if progress is None or time.monotonic() > end:
            raise HostingBusy(f"The old {what} is still being deleted: ask again in a minute.")
        _pause(deployment)(hosting.POLL_SECONDS)


def _wake(deployment: Deployment, artifact: str, progress: Progress) -> Hosting:
    """Serve the artifact, with a second try where that may help, and ask each model one question."""
    _serve(deployment, artifact, progress)
    try:
        woken = _settle(deployment, HostingState.AWAKE, progress)
    except HostingError:
        if finish_wake(deployment, artifact) is not Outcome.AGAIN:
            raise
        _serve(deployment, artifact, progress)
        woken = _settle(deployment, HostingState.AWAKE, progress)
    try:
        finish_wake(deployment, artifact)
    except ModelUnanswered:
        _settle(deployment, HostingState.ASLEEP, progress)
        raise
    return woken


def _settle(deployment: Deployment, wanted: HostingState, progress: Progress) -> Hosting:
    return hosting.wait(
        deployment.target.client("cloudformation"),
        deployment.names.stack("Hosting"),
        wanted,
        seconds=WAIT_SECONDS,
        progress=progress,
        pause=_pause(deployment),
    )


def _pause(deployment: Deployment) -> Callable[[float], None]:
    return (lambda _: time.sleep(0.3)) if deployment.target.is_local else time.sleep


def snooze(clients: Clients, name: str, hours: float, now: datetime) -> datetime:
    """Write the keep tag with an end, remove a warning's deadline, and return the end (UTC).

    Raises:
        UserError: there is no such endpoint.
    """
    sagemaker = clients("sagemaker")
    until = (now + timedelta(hours=hours)).astimezone(UTC).replace(second=0, microsecond=0)
    found = if_there(lambda: sagemaker.describe_endpoint(EndpointName=name))
    if found is None:
        raise UserError(
            f"There is no endpoint {name} here.",
            fix=f"List them: finexpert reap --dry-run. If the reaper deleted it: finexpert restore {name}",
        )
    arn = found["EndpointArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": KEEP_TAG, "Value": f"{until:%Y-%m-%dT%H:%MZ}"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=[DELETE_AFTER_TAG])
    return until
