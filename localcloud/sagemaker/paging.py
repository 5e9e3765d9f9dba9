"""List operations: AWS's filters, orders and pages over records. Pure functions."""

import base64
import binascii
import json
import operator
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from localcloud.protocol import validation
from localcloud.sagemaker.validation import timestamp

DEFAULT_PAGE = 10  # what SageMaker gives when MaxResults is not asked for; its model holds the highest, 100


def matches(
    record: Mapping[str, Any], params: Mapping[str, Any], *, name: str, equals: Mapping[str, str]
) -> bool:
    """Whether a record passes a List request's filters.

    Args:
        name: the record's field that NameContains looks at.
        equals: request parameter → record field for the filters on equality, such as StatusEquals →
        EndpointStatus.
    """
    if params.get("NameContains", "").lower() not in str(record[name]).lower():
        return False
    if any(
        params.get(given) is not None and record.get(field) != params[given]
        for given, field in equals.items()
    ):
        return False
    for field in ("CreationTime", "LastModifiedTime"):
        after, before = params.get(f"{field}After"), params.get(f"{field}Before")
        if after is not None and not record[field] > timestamp(after):
            return False
        if before is not None and not record[field] < timestamp(before):
            return False
    return True


def page(
    records: Iterable[Mapping[str, Any]],
    params: Mapping[str, Any],
    *,
    sort_field: str,
    name: str,
    descending: bool,
) -> tuple[list[Mapping[str, Any]], str | None]:
    """Sort and cut out one page.

    The token holds the place after the last record that was given (its sort value and name) and not a
    count, so records that come or go between two pages are neither skipped nor given twice.

    Returns:
        the page's records, and the token of the next page or None at the end.

    Raises:
        ApiError: for a token that this service did not give for this order.
    """
    rows = sorted(records, key=lambda row: _place(row, sort_field, name), reverse=descending)
    if params.get("NextToken"):
        last = _read_token(params["NextToken"], sort_field, descending)
        beyond = operator.lt if descending else operator.gt
        rows = [row for row in rows if beyond(_place(row, sort_field, name), last)]
    size = params.get("MaxResults") or DEFAULT_PAGE
    shown = rows[:size]
    more = len(rows) > size
    return shown, _token(_place(shown[-1], sort_field, name), sort_field, descending) if more else None


def _place(row: Mapping[str, Any], sort_field: str, name: str) -> tuple[str, str]:
    value = row.get(sort_field, "")
    return (value.isoformat(timespec="microseconds") if isinstance(value, datetime) else str(value)), str(
        row[name]
    )


def _token(place: tuple[str, str], sort_field: str, descending: bool) -> str:
    return base64.urlsafe_b64encode(json.dumps([*place, sort_field, descending]).encode()).decode()


def _read_token(token: str, sort_field: str, descending: bool) -> tuple[str, str]:
    try:
        value, name, field, was_descending = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise validation("Invalid NextToken: it is not one that this service gave.") from None
    if (field, was_descending) != (sort_field, descending):
        raise validation("Invalid NextToken: it was given for another order.")
    return str(value), str(name)
