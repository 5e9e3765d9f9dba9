"""Puts Hosting's endpoint to sleep: through its stack, and directly where CloudFormation refuses or gave up.

Guard, reaper, `finexpert sleep` and the page all use this. A stack whose endpoint was deleted directly has
drifted: it says awake of an endpoint that is gone. `finexpert wake` repairs that.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.aws.calls import Clients
from core.aws.errors import Cause, cause_of, error_text, if_there
from core.aws.tags import list_tags, owning_stack
from core.endpoint import hosting
from core.endpoint.endpoints import remove_endpoint
from core.endpoint.hosting import Hosting, HostingBusy, HostingState
from core.names import PROJECT_TAG, Names

#: A change of the stack that lasts longer than this is not waited for where money is at stake. A deletion
#: takes minutes, and CloudFormation tries one that fails for up to an hour and a half.
LONGEST_CHANGE = timedelta(minutes=45)


class Way(StrEnum):
    """The outcomes of putting the endpoint to sleep."""

    NOTHING = "nothing to do"
    STACK = "through the stack"
    UNDER_WAY = "under way"
    DIRECTLY = "directly"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Slept:
    """The result in words; `problem` says what still bills and why, and is empty if nothing does."""

    way: Way
    done: str = ""
    problem: str = ""


def endpoint_name(project: str, found: Hosting | None = None) -> str:
    """The name of Hosting's endpoint, by its stack's outputs or by the deployment's names."""
    return (found.endpoint_name if found else "") or Names(project=project, region="").endpoint


def exists(clients: Clients, *, project: str, stack: str, name: str) -> bool:
    """Whether the project's endpoint of this name exists. One with another project's tag is not ours.

    Raises:
        Exception: SageMaker could not be asked.
    """
    sagemaker = clients("sagemaker")
    described = if_there(lambda: sagemaker.describe_endpoint(EndpointName=name))
    if described is None or described["EndpointStatus"] == "Deleting":
        return False
    tags = if_there(lambda: list_tags(sagemaker, described["EndpointArn"]))
    return tags is not None and (tags.get(PROJECT_TAG, project) == project or owning_stack(tags) == stack)


def put_to_sleep(
    clients: Clients,
    *,
    project: str,
    stack: str,
    now: datetime | None = None,
    cancel: bool = False,
    seconds: float = 120.0,
    pause: Callable[[float], None] = time.sleep,
) -> Slept:
    """Ask the stack to remove the endpoint, and return at once; remove it directly where that cannot be.

    Args:
        now: for `cancel`, to see how long a change has lasted.
        cancel: break off a wake-up that is under way, and wait for no change of the stack for long.
        seconds: the most that a direct removal may wait for.
    """
    cloudformation = clients("cloudformation")
    found: Hosting | None = None
    try:
        found = hosting.read(cloudformation, stack)
        if found.state in (HostingState.ABSENT, HostingState.ASLEEP):
            why = f"{stack} is {found.state}"
        elif cancel and now and _lasts(found, now):
            why = f"{stack} has been in {found.status} for longer than {LONGEST_CHANGE}"
        elif found.state is HostingState.GOING_TO_SLEEP:
            return Slept(way=Way.UNDER_WAY)
        elif found.state is HostingState.BROKEN:
            why = f"{stack} is in {found.status}"
        else:
            hosting.sleep(cloudformation, stack, cancel=cancel)
            return Slept(way=Way.STACK, done=f"{stack} put to sleep")
    except HostingBusy as error:
        return Slept(way=Way.BUSY, problem=str(error))
    except Exception as error:
        if cause_of(error.__cause__ or error) in (Cause.THROTTLED, Cause.FAULT):
            return Slept(way=Way.BUSY, problem=error_text(error))
        why = f"CloudFormation refused: {error_text(error)}"
    # Directly, without CloudFormation.
    name = endpoint_name(project, found)
    try:
        if not exists(clients, project=project, stack=stack, name=name):
            return Slept(way=Way.NOTHING)
    except Exception as error:
        problem = f"{why}; whether endpoint {name} is there cannot be read: {error_text(error)}"
        return Slept(way=Way.FAILED, problem=problem)
    removal = remove_endpoint(clients, name, seconds=seconds, pause=pause)
    if not removal.gone:
        way = Way.BUSY if removal.under_way else Way.FAILED
        return Slept(way=way, problem=f"{why}; endpoint {name} still bills: {removal.problem}")
    return Slept(way=Way.DIRECTLY, done=f"endpoint {name} deleted{_drift(stack, found, why)}")


def _lasts(found: Hosting, now: datetime) -> bool:
    """Whether a change goes on for so long that it may never end."""
    return not found.state.settled and found.changed is not None and now - found.changed > LONGEST_CHANGE


def _drift(stack: str, found: Hosting | None, why: str) -> str:
    """What a direct deletion, for the reason `why`, means for the stack."""
    if found and found.state in (HostingState.ABSENT, HostingState.ASLEEP):
        return f": it was still there, though {why}"
    if found and found.state is HostingState.BROKEN:
        return f" directly ({why}); {stack} has drifted now: delete it and deploy it again"
    return f" directly ({why}); {stack} has drifted now, and `finexpert wake` repairs it"
