"""The lives of a stack's endpoint from CloudFormation's events, also after the stack was deleted. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from core.money.spend import Fleet, Lifetime


@dataclass(frozen=True, kw_only=True)
class StackEvent:
    """The fields of a CloudFormation event that matter here."""

    time: datetime
    logical_id: str
    resource_type: str
    status: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """An event as DescribeStackEvents has it."""
        return cls(
            time=raw["Timestamp"],
            logical_id=raw["LogicalResourceId"],
            resource_type=raw["ResourceType"],
            status=raw["ResourceStatus"],
        )


def lifetimes(
    events: Iterable[StackEvent], *, name: str, fleets: tuple[Fleet, ...], until: datetime | None = None
) -> list[Lifetime]:
    """The lives of a stack's endpoint from its events.

    A life runs from the start of the creation to the end of the deletion, so it is never counted too short. A
    creation that failed ends with its deletion or with the end of the roll-back, whichever is reported. Where
    the events begin with a deletion, the endpoint lived since before the first event. `until`: when the whole
    stack was deleted, if it was.
    """
    ordered = sorted(events, key=lambda event: event.time)
    found: list[Lifetime] = []
    begun: dict[str, datetime] = {}
    failed: set[str] = set()

    def close(logical_id: str, start: datetime, end: datetime | None) -> None:
        found.append(Lifetime(name=name, start=start, end=end, fleets=fleets, source="the stack's events"))
        begun.pop(logical_id, None)
        failed.discard(logical_id)

    for event in ordered:
        if event.resource_type == "AWS::CloudFormation::Stack":
            if event.status.endswith("_COMPLETE"):
                over = set(begun) if event.status == "DELETE_COMPLETE" else failed & set(begun)
                for logical_id in over:
                    close(logical_id, begun[logical_id], event.time)
        elif event.resource_type != "AWS::SageMaker::Endpoint":
            continue
        elif event.status == "CREATE_IN_PROGRESS":
            begun.setdefault(event.logical_id, event.time)
        elif event.status == "CREATE_FAILED":
            failed.add(event.logical_id)
        elif event.status == "DELETE_COMPLETE":
            close(event.logical_id, begun.get(event.logical_id, ordered[0].time), event.time)
    for logical_id, start in list(begun.items()):
        close(logical_id, start, until)
    return found
