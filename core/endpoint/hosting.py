"""Hosting's switch: the stack's parameter `ModelArtifact`.

Empty = asleep (nothing bills), `base` = awake with the base model alone, an S3 URI = awake with that adapter.

Both ways are one UpdateStack with the template and every other parameter as they are, so CloudFormation stays
the only owner of the endpoint and nothing drifts.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from core import Explained
from core.aws.errors import error_code, error_text, if_there
from core.names import Names

PARAMETER = "ModelArtifact"
BASE = "base"
"""The parameter's value for the base model without an adapter."""
POLL_SECONDS = 5.0
RESOURCE_TYPES = tuple(
    f"AWS::SageMaker::{kind}" for kind in ("Model", "EndpointConfig", "Endpoint", "InferenceComponent")
)
"""The resource types of the stack; a switch may change no others."""


class HostingState(StrEnum):
    """The state of the Hosting stack, in the words of this product."""

    ABSENT = "absent"
    ASLEEP = "asleep"
    WAKING = "waking"
    AWAKE = "awake"
    GOING_TO_SLEEP = "going to sleep"
    BUSY = "busy"
    BROKEN = "broken"

    @property
    def settled(self) -> bool:
        """Whether nothing is under way."""
        return self not in (HostingState.WAKING, HostingState.GOING_TO_SLEEP, HostingState.BUSY)


class HostingError(Explained, RuntimeError):
    """Hosting could not be switched; the message says why and what to do."""


class HostingBusy(HostingError):
    """Another change of the stack is under way; the same call can succeed when it has ended."""


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """The stack as last read.

    Args:
        artifact: the parameter: what it serves or is about to serve, an URI or `base`; empty if asleep.
        changed: when the last change of the stack began.
    """

    stack: str
    state: HostingState
    status: str = ""
    reason: str = ""
    artifact: str = ""
    parameters: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    changed: datetime | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    stack_id: str = ""

    @property
    def role_arn(self) -> str:
        """The role that CloudFormation must switch the stack with: it may make and remove an endpoint only.

        Without it CloudFormation would use the role that the stack was deployed with, an administrator's.
        The stack has an output with its ARN where roles have a path.
        """
        if said := self.outputs.get("SwitchingRoleArn"):
            return said
        _, partition, _, region, account, resource = self.stack_id.split(":", 5)
        return f"arn:{partition}:iam::{account}:role/{switching_role(resource.split('/')[1], region)}"

    @property
    def endpoint_name(self) -> str:
        """The endpoint's name, also while asleep; empty if the stack has no output with it."""
        return self.outputs.get("EndpointName", "")


def models(names: Names, artifact: str, *, merged: bool) -> dict[str, str | None]:
    """Return the models behind the endpoint by name, each with its inference component.

    There is no tuned one while the endpoint serves the base model alone.

    Args:
        artifact: what the stack serves.
        merged: the endpoint has one model and no inference components.
    """
    if merged:
        return {"tuned": None}
    base = {"base": names.base_component}
    return {**base} if artifact == BASE else {**base, "tuned": names.tuned_component}


def switching_role(stack: str, region: str) -> str:
    """Name of the role that CloudFormation switches the stack with; see `Hosting.role_arn`."""
    return f"{stack}-{region}"


def state_of(status: str, artifact: str) -> HostingState:
    """The state from CloudFormation's StackStatus and the parameter's value."""
    if status.endswith("_FAILED") or status in ("ROLLBACK_COMPLETE", "ROLLBACK_IN_PROGRESS"):
        # A stack whose creation was rolled back can only be deleted; UPDATE_ROLLBACK_COMPLETE is a good one.
        return HostingState.BROKEN
    if status.startswith("DELETE_"):
        return HostingState.ABSENT if status.endswith("COMPLETE") else HostingState.BUSY
    if status.startswith("UPDATE_ROLLBACK") and status.endswith("IN_PROGRESS"):
        return HostingState.BUSY
    if status == "REVIEW_IN_PROGRESS":
        return HostingState.ABSENT
    if status.endswith("_IN_PROGRESS"):
        return HostingState.WAKING if artifact else HostingState.GOING_TO_SLEEP
    return HostingState.AWAKE if artifact else HostingState.ASLEEP


def read(cloudformation: Any, stack: str) -> Hosting:
    """Read the stack; a stack that does not exist is ABSENT, any other failure raises botocore's error."""
    found = if_there(lambda: cloudformation.describe_stacks(StackName=stack))
    if found is None:
        return Hosting(stack=stack, state=HostingState.ABSENT)
    answer = found["Stacks"][0]
    values = {p["ParameterKey"]: p.get("ParameterValue", "") for p in answer.get("Parameters", [])}
    artifact = values.get(PARAMETER, "")
    return Hosting(
        stack=stack,
        state=state_of(answer["StackStatus"], artifact),
        status=answer["StackStatus"],
        reason=answer.get("StackStatusReason", ""),
        artifact=artifact,
        parameters=tuple(values),
        capabilities=tuple(answer.get("Capabilities", [])),
        changed=answer.get("LastUpdatedTime") or answer.get("CreationTime"),
        outputs={o["OutputKey"]: o.get("OutputValue", "") for o in answer.get("Outputs", [])},
        stack_id=answer.get("StackId", ""),
    )


def wake(cloudformation: Any, stack: str, artifact: str) -> Hosting:
    """Ask for the endpoint to be made with `artifact` (s3://…/model.tar.gz, or `base`) and return at once.

    Raises:
        HostingError: the artifact is neither, the stack is absent or broken, or CloudFormation refuses.
        HostingBusy: another change is under way.
    """
    if artifact != BASE and not artifact.startswith("s3://"):
        raise HostingError(
            f"The model artifact {artifact!r} is not an S3 URI: give the model.tar.gz of a finished run,"
            f" or {BASE!r} for the base model alone."
        )
    return _switch(cloudformation, stack, artifact)


def sleep(cloudformation: Any, stack: str, *, cancel: bool = False) -> Hosting:
    """Ask for the endpoint to be removed and return at once; a stack that is absent needs nothing.

    `cancel`: break off a wake-up that is under way (CancelUpdateStack, which itself goes back to asleep when
    that was the state before); without it such a stack raises HostingBusy.
    """
    current = read(cloudformation, stack)
    if current.state is HostingState.ABSENT:
        return current
    if cancel and current.status == "UPDATE_IN_PROGRESS" and current.artifact:
        try:
            cloudformation.cancel_update_stack(StackName=stack)
        except Exception as error:
            # The update may have ended in between; then the ordinary way below is the right one.
            if error_code(error) != "ValidationError":
                raise HostingError(
                    f"The update of {stack} cannot be cancelled: {error_text(error)}"
                ) from error
        else:
            raise HostingBusy(f"The update of {stack} is being cancelled; ask again when it has rolled back.")
    return _switch(cloudformation, stack, "", current=current)


def _switch(cloudformation: Any, stack: str, artifact: str, *, current: Hosting | None = None) -> Hosting:
    current = current or read(cloudformation, stack)
    _refuse_impossible(current)
    if current.artifact == artifact and current.state is not HostingState.BUSY:
        return current
    if not current.state.settled:
        raise HostingBusy(f"{stack} is {current.state} ({current.status}); try again when that has ended.")
    if PARAMETER not in current.parameters:
        raise HostingError(f"{stack} has no parameter {PARAMETER}: deploy the current version of the app.")
    parameters: list[dict[str, Any]] = [{"ParameterKey": PARAMETER, "ParameterValue": artifact}]
    parameters += [
        {"ParameterKey": name, "UsePreviousValue": True} for name in current.parameters if name != PARAMETER
    ]
    try:
        cloudformation.update_stack(
            StackName=stack,
            UsePreviousTemplate=True,
            RoleARN=current.role_arn,
            ResourceTypes=list(RESOURCE_TYPES),
            Parameters=parameters,
            Capabilities=list(current.capabilities),
        )
    except Exception as error:
        text = error_text(error)
        if "No updates are to be performed" in text:
            return read(cloudformation, stack)
        if "IN_PROGRESS state" in text:
            raise HostingBusy(f"{stack} is being changed by someone else; try again. ({text})") from error
        raise HostingError(f"CloudFormation refused to change {stack}: {text}") from error
    return read(cloudformation, stack)


def _refuse_impossible(current: Hosting) -> None:
    if current.state is HostingState.ABSENT:
        raise HostingError(f"The stack {current.stack} does not exist: deploy the app first.")
    if current.state is HostingState.BROKEN:
        remedy = {
            "UPDATE_ROLLBACK_FAILED": "run `aws cloudformation continue-update-rollback --stack-name "
            f"{current.stack}`, then try again",
            "ROLLBACK_COMPLETE": f"delete the stack {current.stack} and deploy it again",
        }.get(current.status, f"see the events of {current.stack}, repair or delete it, and deploy again")
        raise HostingError(f"{current.stack} is in {current.status} ({current.reason}): {remedy}.")


def wait(
    cloudformation: Any,
    stack: str,
    wanted: HostingState,
    *,
    seconds: float = 1800.0,
    progress: Callable[[Hosting, float], None] | None = None,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Hosting:
    """Look until the stack is as `wanted`; after each look call `progress(hosting, seconds so far)`.

    Raises HostingError when it settled in another state (with CloudFormation's reason) or `seconds` ran out.
    """
    begin = clock()
    while True:
        hosting = read(cloudformation, stack)
        elapsed = clock() - begin
        if progress:
            progress(hosting, elapsed)
        gone = wanted is HostingState.ASLEEP and hosting.state is HostingState.ABSENT
        if hosting.state is wanted or gone:
            return hosting
        if hosting.state.settled:
            why = failure_reason(cloudformation, stack) or hosting.reason or "see the stack's events"
            raise HostingError(f"{stack} is {hosting.state} ({hosting.status}) and not {wanted}: {why}")
        if elapsed >= seconds:
            raise HostingError(
                f"{stack} is still {hosting.state} ({hosting.status}) after {elapsed / 60:.0f} minutes;"
                " it goes on; look again later."
            )
        pause(POLL_SECONDS)


def failure_reason(cloudformation: Any, stack: str) -> str:
    """The first resource on which the last change failed, and CloudFormation's reason; "" if none did."""
    try:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    except Exception as error:
        return f"the events cannot be read: {error_text(error)}"
    first = ""
    for event in events:  # newest first
        whole_stack = event.get("ResourceType") == "AWS::CloudFormation::Stack"
        status = event.get("ResourceStatus", "")
        if whole_stack and status in ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS"):
            break
        if status.endswith("_FAILED") and "cancelled" not in event.get("ResourceStatusReason", ""):
            first = f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', status)}"
    return first
