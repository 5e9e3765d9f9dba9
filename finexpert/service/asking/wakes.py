"""How long Hosting took to wake, from its stack's events; and when the wake under way began. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from core.money.events import StackEvent

STACK = "AWS::CloudFormation::Stack"
ENDPOINT = "AWS::SageMaker::Endpoint"
#: The newest wakes tell best how long the next one takes: instance type and model may have been others.
NEWEST = 5


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of the stack. `ended` is None while it is under way; `wake`: an endpoint was made in it."""

    began: datetime
    ended: datetime | None = None
    wake: bool = False
    rolled_back: bool = False


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
    """How long a wake takes: the median of the newest that went well; None where none is known."""
    took = [
        (each.ended - each.began).total_seconds()
        for each in past
        if each.wake and each.ended and not each.rolled_back
    ]
    return median(took[-NEWEST:]) if took else None
