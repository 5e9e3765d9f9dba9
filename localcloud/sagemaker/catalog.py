"""Describe, List, Delete and changes of state, which work alike for every kind of resource."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.protocol import validation
from localcloud.sagemaker import paging, store, telemetry
from localcloud.sagemaker.store import Kind, Record
from localcloud.sagemaker.validation import operation_model, pick

Operation = Callable[[dict[str, Any]], dict[str, Any]]
IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


@dataclass(frozen=True)
class Listing:
    """One List operation, with its filters and its order.

    answer: the answer's member that holds the rows; by default the kind's plural.
    descending: AWS's order where SortOrder is not given.
    equals: filters on equality besides StatusEquals: request parameter → record field.
    """

    kind: Kind
    descending: bool = True
    answer: str = ""
    equals: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        with store.lock:
            return self.rows([dict(record) for record in store.table(self.kind).values()], params)

    def rows(self, records: Iterable[Record], params: dict[str, Any]) -> dict[str, Any]:
        """One page of these records, as the operation answers it."""
        name, status = self.kind.name_field, self.kind.status_field
        plural = f"{self.kind.name}s"
        fields = {"Name": name, "CreationTime": "CreationTime", "Status": status}
        equals = {"StatusEquals": status, **self.equals}
        order = params.get("SortOrder")
        shown, token = paging.page(
            [row for row in records if paging.matches(row, params, name=name, equals=equals)],
            params,
            sort_field=fields[params.get("SortBy") or "CreationTime"],
            name=name,
            descending=order == "Descending" if order else self.descending,
        )
        output, member = operation_model(f"List{plural}").output_shape, self.answer or plural
        answer: dict[str, Any] = {member: [pick(row, output.members[member].member) for row in shown]}
        return answer | ({"NextToken": token} if token else {})


def describing(kind: Kind, named: Callable[[str], str] = str) -> Operation:
    """The Describe operation of a kind whose record is its answer; `named` makes a name of what is given."""

    def describe(params: dict[str, Any]) -> dict[str, Any]:
        with store.lock:
            record = dict(store.find(kind, named(params[kind.name_field])))
        return pick(record, operation_model(f"Describe{kind.name}").output_shape)

    return describe


def deleting(kind: Kind, named: Callable[[str], str] = str) -> Operation:
    """The Delete operation of a kind that nothing runs for; `named` as above."""

    def delete(params: dict[str, Any]) -> dict[str, Any]:
        store.find(kind, named(params[kind.name_field]))
        store.remove(kind, named(params[kind.name_field]))
        return {}

    return delete


def refuse_in_progress(kind: Kind, record: Record) -> None:
    """Refuse a change of what is being made, changed or removed."""
    if record[kind.status_field] in IN_PROGRESS:
        raise validation(f'Cannot update in-progress {kind.words} "{record[kind.arn_field]}".')


def changeable(kind: Kind, name: str) -> Record:
    """The record of that name, if it is in service."""
    record = store.find(kind, name)
    refuse_in_progress(kind, record)
    if record[kind.status_field] != "InService":
        raise validation(
            f'Cannot update {kind.words} "{record[kind.arn_field]}" in status {record[kind.status_field]}.'
        )
    return record


def enter(kind: Kind, record: Record, status: str, **fields: Any) -> None:
    """Put a record into a state, and send EventBridge's event."""
    telemetry.state_event(kind, store.change(record, **{kind.status_field: status}, **fields))
