"""List operations: filters, orders, pages that neither skip nor repeat."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.protocol import ApiError
from localcloud.sagemaker.paging import matches, page

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(minutes: list[int]) -> list[dict[str, Any]]:
    return [
        {
            "Name": f"n{index:03}",
            "CreationTime": START + timedelta(minutes=at),
            "Status": "A" if at % 2 else "B",
        }
        for index, at in enumerate(minutes)
    ]


def paged(records: list[dict[str, Any]], params: dict[str, Any], *, descending: bool = False) -> Any:
    return page(records, params, sort_field="CreationTime", name="Name", descending=descending)


def everything(records: list[dict[str, Any]], size: int, *, descending: bool) -> list[str]:
    names: list[str] = []
    params: dict[str, Any] = {"MaxResults": size}
    while True:
        shown, token = paged(records, params, descending=descending)
        names += [row["Name"] for row in shown]
        if token is None:
            return names
        params["NextToken"] = token


@settings(max_examples=60, deadline=None)
@given(minutes=st.lists(st.integers(0, 20), max_size=40), size=st.integers(1, 12), descending=st.booleans())
def test_pages_together_are_the_sorted_whole(minutes: list[int], size: int, descending: bool) -> None:
    records = rows(minutes)
    ordered = sorted(records, key=lambda row: (row["CreationTime"], row["Name"]), reverse=descending)
    assert everything(records, size, descending=descending) == [row["Name"] for row in ordered]


def test_ten_a_page_unless_asked() -> None:
    shown, token = paged(rows(list(range(25))), {})
    assert len(shown) == 10 and token


def test_what_is_deleted_or_added_between_two_pages_neither_skips_nor_repeats() -> None:
    records = rows([1, 2, 3, 4, 5, 6])
    shown, token = paged(records, {"MaxResults": 3})
    del records[0:2]
    records.append({"Name": "new", "CreationTime": START, "Status": "A"})
    rest, _ = paged(records, {"MaxResults": 9, "NextToken": token})
    assert [row["Name"] for row in [*shown, *rest]] == ["n000", "n001", "n002", "n003", "n004", "n005"]


@pytest.mark.parametrize("token", ["x", "bm90IGpzb24=", "W10="])
def test_a_foreign_token_is_refused(token: str) -> None:
    with pytest.raises(ApiError, match="NextToken"):
        paged(rows([1]), {"NextToken": token})


def test_a_token_of_another_order_is_refused() -> None:
    _, token = paged(rows([1, 2]), {"MaxResults": 1})
    with pytest.raises(ApiError, match="another order"):
        paged(rows([1, 2]), {"NextToken": token}, descending=True)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, True),
        ({"NameContains": "INEXP"}, True),
        ({"NameContains": "other"}, False),
        ({"StatusEquals": "InService"}, True),
        ({"StatusEquals": "Failed"}, False),
        ({"CreationTimeAfter": START.timestamp() - 1}, True),
        ({"CreationTimeAfter": START.timestamp()}, False),
        ({"CreationTimeBefore": START + timedelta(seconds=1)}, True),
        ({"LastModifiedTimeBefore": "2026-01-01T01:00:00Z"}, False),
        ({"LastModifiedTimeAfter": "2026-01-01T00:59:00Z"}, True),
    ],
)
def test_filters(params: dict[str, Any], expected: bool) -> None:
    record = {
        "EndpointName": "finexpert",
        "EndpointStatus": "InService",
        "CreationTime": START,
        "LastModifiedTime": START + timedelta(hours=1),
    }
    equals = {"StatusEquals": "EndpointStatus"}
    assert matches(record, params, name="EndpointName", equals=equals) is expected
