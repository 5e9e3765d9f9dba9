"""The endpoint's state for people: awake or not, since when, until when, at what price."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from core.aws.errors import if_there
from core.endpoint.hosting import Hosting, HostingState, failure_reason
from core.money.events import StackEvent
from finexpert.errors import NotDeployed
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import artifacts, reaper, switch
from finexpert.service.endpoint.reaper import Foresight
from finexpert.service.money import costs

#: The reaper's decision and the change of the stack that follows it are this close in time.
_NEAR = timedelta(minutes=5)
DRIFTED = "The endpoint was deleted without its stack, which still says awake. Waking it repairs that."


class State(StrEnum):
    """The endpoint's states, in the words of the page."""

    ASLEEP = "asleep"
    WAKING = "waking"
    AWAKE = "awake"
    GOING_TO_SLEEP = "going_to_sleep"
    FAILED = "failed"


_STATES = {
    HostingState.ASLEEP: State.ASLEEP,
    HostingState.WAKING: State.WAKING,
    HostingState.AWAKE: State.AWAKE,
    HostingState.GOING_TO_SLEEP: State.GOING_TO_SLEEP,
    HostingState.BUSY: State.GOING_TO_SLEEP,
    HostingState.BROKEN: State.FAILED,
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The endpoint now.

    Args:
        reason: why it is in this state, where that is known.
        run: whose adapter it serves or is about to serve; None if asleep, or with the base model alone.
        models: that answer while it is awake.
        usd_per_hour: while it is awake.
        wake_began: of the wake under way.
        wake_seconds: how long a wake takes, from past ones; None where none is known.
        foresight: of the reaper, while it is awake.
        can_wake: whether asking for it can help.
    """

    state: State
    reason: str
    run: str | None
    models: tuple[str, ...]
    usd_per_hour: float
    wake_began: datetime | None
    wake_seconds: float | None
    foresight: Foresight | None
    can_wake: bool


STACK = "AWS::CloudFormation::Stack"
ENDPOINT = "AWS::SageMaker::Endpoint"
#: Older wakes may have had another instance type or model, so only the newest predict the next one.
NEWEST = 5


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of the stack. `ended` is None while it is under way; `wake`: an endpoint was made in it."""

    began: datetime
    ended: datetime | None = None
    wake: bool = False
    rolled_back: bool = False


def look(deployment: Deployment, now: datetime) -> Standing:
    """Read the endpoint's state.

    Raises:
        NotDeployed: there is no Hosting stack.
        core.money.prices.UnknownPrice: the endpoint's instance has no price.
    """
    stack = switch.read(deployment)
    if stack.state is HostingState.ABSENT:
        raise NotDeployed(f"The stack {stack.stack} is not deployed.", where=stack.stack)
    past = changes(_events(deployment))
    last = past[-1] if past else None
    state = _STATES[stack.state]
    if state is State.ASLEEP and last and last.wake and last.rolled_back:
        state = State.FAILED
    foresight = None
    if state is State.AWAKE:  # None also where it was deleted without its stack, or sleeps since a moment ago
        foresight = if_there(lambda: reaper.forecast(deployment, now))
    drifted = state is State.AWAKE and foresight is None
    return Standing(
        state=State.ASLEEP if drifted else state,
        reason=DRIFTED if drifted else _reason(deployment, stack, state, last),
        run=artifacts.run_of(stack.artifact) or None,
        models=tuple(switch.models(deployment)),
        usd_per_hour=costs.hosting_usd_per_hour(deployment),
        wake_began=last.began if last and state is State.WAKING else None,
        wake_seconds=expected_seconds(past),
        foresight=foresight,
        can_wake=drifted or stack.state is HostingState.ASLEEP,
    )


def _events(deployment: Deployment) -> list[StackEvent]:
    """The newest events of the Hosting stack: one page holds several wakes."""
    client = deployment.target.client("cloudformation")
    answer = client.describe_stack_events(StackName=deployment.names.stack("Hosting"))
    return [StackEvent.of(raw) for raw in answer["StackEvents"]]


def _reason(deployment: Deployment, stack: Hosting, state: State, last: Change | None) -> str:
    if stack.state in (HostingState.BROKEN, HostingState.BUSY) or (last and last.rolled_back):
        cloudformation = deployment.target.client("cloudformation")
        return failure_reason(cloudformation, stack.stack) or stack.reason
    if state in (State.ASLEEP, State.GOING_TO_SLEEP) and last:
        near = {"since": last.began - _NEAR, "until": last.began + _NEAR}
        for each in reaper.decisions(deployment, **near):
            if (each.endpoint, each.action) == (deployment.names.endpoint, "delete"):
                return each.reason
    return ""


def changes(events: Iterable[StackEvent]) -> list[Change]:
    """The changes that the events show from their beginning, oldest first."""
    found: list[Change] = []
    began, made = None, False
    for event in sorted(events, key=lambda each: each.time):
        if event.resource_type == ENDPOINT:
            made = made or event.status == "CREATE_IN_PROGRESS"
        elif event.resource_type != STACK:
            continue
        elif event.status in ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS"):
            began, made = event.time, False
        elif event.status.endswith("_COMPLETE") and began:
            back = "ROLLBACK" in event.status
            found.append(Change(began=began, ended=event.time, wake=made, rolled_back=back))
            began = None
    if began:
        found.append(Change(began=began, wake=made))
    return found


def expected_seconds(past: Iterable[Change]) -> float | None:
    """The seconds that a wake takes: the median of the newest that went well; None where none is known."""
    took = [
        (each.ended - each.began).total_seconds()
        for each in past
        if each.wake and each.ended and not each.rolled_back
    ]
    return median(took[-NEWEST:]) if took else None
