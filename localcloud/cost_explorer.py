"""Cost Explorer: anomaly monitors and subscriptions as records. Every other operation answers as unknown."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from localcloud import platform
from localcloud.protocol import AWS_JSON, ApiError, Response, parsed, unknown_operation
from localcloud.sagemaker.validation import check, service_model

Record = dict[str, Any]

KINDS = ("Monitor", "Subscription")
_records: dict[str, dict[str, Record]] = {kind: {} for kind in KINDS}  # by ARN


async def handle_request(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
) -> Response:
    """Answer one request of the JSON protocol."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return await AWS_JSON.answered(lambda: AWS_JSON.json(call(operation, parsed(body))))


def call(operation: str, params: Record) -> Record:
    """Carry out an operation.

    Raises:
        ApiError: unknown operation, malformed request, or what the operation itself refuses.
    """
    handler = OPERATIONS.get(operation)
    if handler is None:
        raise unknown_operation(f"Cost Explorer's {operation}")
    check(params, service_model("ce").operation_model(operation).input_shape)
    return handler(params)


def _create(kind: str, params: Record) -> Record:
    wanted = params[f"Anomaly{kind}"]
    for monitor in wanted.get("MonitorArnList") or ():
        _find("Monitor", monitor)
    arn = f"arn:aws:ce::{platform.account_id()}:anomaly{kind.lower()}/{uuid.uuid4()}"
    dates = {"CreationDate": _today(), "LastUpdatedDate": _today()}
    own = dates if kind == "Monitor" else {"AccountId": platform.account_id()}
    _records[kind][arn] = {**wanted, f"{kind}Arn": arn, **own}
    return {f"{kind}Arn": arn}


def _update(kind: str, params: Record) -> Record:
    record = _find(kind, params[f"{kind}Arn"])
    record |= params | ({"LastUpdatedDate": _today()} if kind == "Monitor" else {})
    return {f"{kind}Arn": params[f"{kind}Arn"]}


def _delete(kind: str, params: Record) -> Record:
    _find(kind, params[f"{kind}Arn"])
    del _records[kind][params[f"{kind}Arn"]]
    return {}


def _get(kind: str, params: Record) -> Record:
    found = [_find(kind, arn) for arn in params.get(f"{kind}ArnList") or list(_records[kind])]
    monitor = params.get("MonitorArn")
    return {f"Anomaly{kind}s": [each for each in found if not monitor or monitor in each["MonitorArnList"]]}


def _find(kind: str, arn: str) -> Record:
    if arn not in _records[kind]:
        raise ApiError(f"Unknown{kind}Exception", f"There is no {arn}.")
    return _records[kind][arn]


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


OPERATIONS: dict[str, Callable[[Record], Record]] = {
    f"{verb}Anomaly{kind}{plural}": partial(function, kind)
    for kind in KINDS
    for verb, plural, function in (
        ("Create", "", _create),
        ("Update", "", _update),
        ("Delete", "", _delete),
        ("Get", "s", _get),
    )
}
