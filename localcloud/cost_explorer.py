"""Cost Explorer: anomaly monitors and subscriptions as records, and the simulated bill by GetCostAndUsage.

No anomaly is ever found here: the bill has no history. Every other operation answers as unknown.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from localcloud import billing, platform
from localcloud.protocol import AWS_JSON, ApiError, Response, parsed, unknown_operation
from localcloud.sagemaker.validation import check, service_model

Record = dict[str, Any]

_monitors: dict[str, Record] = {}  # by ARN
_subscriptions: dict[str, Record] = {}


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


def _create_monitor(params: Record) -> Record:
    arn, today = _arn("anomalymonitor"), _today()
    _monitors[arn] = {
        **params["AnomalyMonitor"],
        "MonitorArn": arn,
        "CreationDate": today,
        "LastUpdatedDate": today,
    }
    return {"MonitorArn": arn}


def _update_monitor(params: Record) -> Record:
    record = _find(_monitors, params["MonitorArn"], "UnknownMonitorException")
    record |= {**params, "LastUpdatedDate": _today()}
    return {"MonitorArn": params["MonitorArn"]}


def _delete_monitor(params: Record) -> Record:
    _find(_monitors, params["MonitorArn"], "UnknownMonitorException")
    del _monitors[params["MonitorArn"]]
    return {}


def _get_monitors(params: Record) -> Record:
    arns = params.get("MonitorArnList") or list(_monitors)
    return {"AnomalyMonitors": [_find(_monitors, arn, "UnknownMonitorException") for arn in arns]}


def _create_subscription(params: Record) -> Record:
    wanted = params["AnomalySubscription"]
    for monitor in wanted["MonitorArnList"]:
        _find(_monitors, monitor, "UnknownMonitorException")
    arn = _arn("anomalysubscription")
    _subscriptions[arn] = {**wanted, "SubscriptionArn": arn, "AccountId": platform.account_id()}
    return {"SubscriptionArn": arn}


def _update_subscription(params: Record) -> Record:
    _find(_subscriptions, params["SubscriptionArn"], "UnknownSubscriptionException").update(params)
    return {"SubscriptionArn": params["SubscriptionArn"]}


def _delete_subscription(params: Record) -> Record:
    _find(_subscriptions, params["SubscriptionArn"], "UnknownSubscriptionException")
    del _subscriptions[params["SubscriptionArn"]]
    return {}


def _get_subscriptions(params: Record) -> Record:
    arns = params.get("SubscriptionArnList") or list(_subscriptions)
    found = [_find(_subscriptions, arn, "UnknownSubscriptionException") for arn in arns]
    monitor = params.get("MonitorArn")
    return {
        "AnomalySubscriptions": [each for each in found if not monitor or monitor in each["MonitorArnList"]]
    }


def _get_anomalies(params: Record) -> Record:
    return {"Anomalies": []}


def _get_cost_and_usage(params: Record) -> Record:
    """This month's charges as one monthly result, in total or by service."""
    if params["Granularity"] != "MONTHLY" or params.get("Filter"):
        raise ApiError("ValidationException", "The embedded cloud's bill is monthly and takes no Filter.")
    groups = [group.get("Key") for group in params.get("GroupBy") or []]
    if groups not in ([], ["SERVICE"]):
        raise ApiError("ValidationException", "The embedded cloud's bill can be grouped by SERVICE only.")
    now = datetime.now(UTC)
    charges = billing.charges(now)
    metrics = params["Metrics"]
    result: Record = {"TimePeriod": params["TimePeriod"], "Estimated": True, "Groups": [], "Total": {}}
    if groups:
        result["Groups"] = [
            {"Keys": [name], "Metrics": _amounts(metrics, usd)} for name, usd in charges.items()
        ]
    else:
        result["Total"] = _amounts(metrics, sum(charges.values()))
    covered = params["TimePeriod"]["Start"] <= f"{now:%Y-%m-%d}" < params["TimePeriod"]["End"]
    return {
        "ResultsByTime": [result if covered else {**result, "Groups": [], "Total": _amounts(metrics, 0.0)}]
    }


def _amounts(metrics: list[str], usd: float) -> Record:
    return {metric: {"Amount": f"{usd:.10f}", "Unit": "USD"} for metric in metrics}


def _find(records: dict[str, Record], arn: str, code: str) -> Record:
    if arn not in records:
        raise ApiError(code, f"There is no {arn}.")
    return records[arn]


def _arn(kind: str) -> str:
    return f"arn:aws:ce::{platform.account_id()}:{kind}/{uuid.uuid4()}"


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


OPERATIONS: dict[str, Callable[[Record], Record]] = {
    "CreateAnomalyMonitor": _create_monitor,
    "UpdateAnomalyMonitor": _update_monitor,
    "DeleteAnomalyMonitor": _delete_monitor,
    "GetAnomalyMonitors": _get_monitors,
    "CreateAnomalySubscription": _create_subscription,
    "UpdateAnomalySubscription": _update_subscription,
    "DeleteAnomalySubscription": _delete_subscription,
    "GetAnomalySubscriptions": _get_subscriptions,
    "GetAnomalies": _get_anomalies,
    "GetCostAndUsage": _get_cost_and_usage,
}
