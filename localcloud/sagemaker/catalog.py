"""Describe and List, which work alike for every kind of resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.sagemaker import paging, store
from localcloud.sagemaker.store import Kind, Record
from localcloud.sagemaker.validation import operation_model, pick

Operation = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Listing:
    """One List operation, with its filters and its order."""

    operation: str  # "ListEndpoints"
    answer: str  # the answer's member that holds the rows
    kind: Kind
    descending: bool  # AWS's order where SortOrder is not given
    equals: Mapping[str, str] = field(default_factory=dict)
    status: str = ""  # the record's field that SortBy=Status means

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        with store.lock:
            return self.rows([dict(record) for record in store.table(self.kind).values()], params)

    def rows(self, records: Iterable[Record], params: dict[str, Any]) -> dict[str, Any]:
        """One page of these records, as the operation answers it."""
        name = self.kind.name_field
        fields = {"Name": name, "CreationTime": "CreationTime", "Status": self.status}
        order = params.get("SortOrder")
        shown, token = paging.page(
            [row for row in records if paging.matches(row, params, name=name, equals=self.equals)],
            params,
            sort_field=fields[params.get("SortBy") or "CreationTime"],
            name=name,
            descending=order == "Descending" if order else self.descending,
        )
        output = operation_model(self.operation).output_shape
        answer: dict[str, Any] = {
            self.answer: [pick(row, output.members[self.answer].member) for row in shown]
        }
        return answer | ({"NextToken": token} if token else {})


def describing(kind: Kind) -> Operation:
    """The Describe operation of a kind whose record is its answer."""

    def describe(params: dict[str, Any]) -> dict[str, Any]:
        with store.lock:
            record = dict(store.find(kind, params[kind.name_field]))
        return pick(record, operation_model(f"Describe{kind.name}").output_shape)

    return describe


def deleting(kind: Kind) -> Operation:
    """The Delete operation of a kind that nothing runs for."""

    def delete(params: dict[str, Any]) -> dict[str, Any]:
        store.find(kind, params[kind.name_field])
        store.remove(kind, params[kind.name_field])
        return {}

    return delete
