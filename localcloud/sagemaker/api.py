"""The door of the service: in-process calls, HTTP requests, reset and shutdown.

Over HTTP it answers SageMaker's JSON protocol (`X-Amz-Target: SageMaker.<Operation>`) and the runtime's
`/endpoints/NAME/invocations`. Two more paths have no counterpart on AWS and begin with `/_sagemaker/`; a
client reaches them with a request signed for `sagemaker`:

    POST /_sagemaker/training-jobs/NAME/interrupt   {"capacity_after_seconds": 2}   a spot interruption
    POST /_sagemaker/options                        {"stop_grace": 1.5}             shorter waits, see
    `options`
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from localcloud.sagemaker import (
    components,
    endpoints,
    hub,
    models,
    packages,
    runtime,
    store,
    tagging,
    training_jobs,
)
from localcloud.sagemaker.catalog import Operation
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.options import options
from localcloud.sagemaker.tagging import refuse_reserved
from localcloud.sagemaker.threads import in_thread
from localcloud.sagemaker.validation import check, operation_model

JSON = {"Content-Type": "application/x-amz-json-1.1"}
RUNTIME_JSON = {"Content-Type": "application/json"}
INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations(-response-stream)?")
logger = logging.getLogger(__name__)
tagged_resources = store.tagged
OPERATIONS: dict[str, Operation] = {
    **models.OPERATIONS,
    **endpoints.OPERATIONS,
    **components.OPERATIONS,
    **training_jobs.OPERATIONS,
    **packages.OPERATIONS,
    **tagging.OPERATIONS,
    **hub.OPERATIONS,
}
# Resources that cannot be made here: their Create answers as unknown, so an empty list is the truth.
EMPTY_LISTS = {
    "ListApps": "Apps",
    "ListAutoMLJobs": "AutoMLJobSummaries",
    "ListClusters": "ClusterSummaries",
    "ListDomains": "Domains",
    "ListHyperParameterTuningJobs": "HyperParameterTuningJobSummaries",
    "ListMonitoringSchedules": "MonitoringScheduleSummaries",
    "ListNotebookInstances": "NotebookInstances",
    "ListPipelines": "PipelineSummaries",
    "ListProcessingJobs": "ProcessingJobSummaries",
    "ListSpaces": "Spaces",
    "ListTransformJobs": "TransformJobSummaries",
    "ListUserProfiles": "UserProfiles",
}


def call(operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """Carry out one operation of the control plane in the account and region of the request.

    It may ask S3 and STS of this cloud over loopback, so call it from a worker thread, never on the event
    loop.

    Args:
        params: the request, with the API's member names; see `validation.coerce` for a template's strings.

    Returns:
        the answer as it is on the wire: times are epoch seconds.

    Raises:
        ApiError: with AWS's code and message; UnknownOperationException for what is not emulated.
    """
    check(params, operation_model(operation).input_shape)
    given = {key: value for key, value in params.items() if value is not None}
    if operation in EMPTY_LISTS:
        return {EMPTY_LISTS[operation]: []}
    if operation not in OPERATIONS:
        raise ApiError(
            "UnknownOperationException", f"The embedded cloud does not emulate SageMaker's {operation}."
        )
    answer: dict[str, Any] = _on_wire(OPERATIONS[operation](given))
    return answer


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> tuple[int, dict[str, str], bytes | AsyncIterator[bytes]]:
    """Answer one HTTP request: (status, headers, body or its chunks).

    Args:
        headers: names in lower case.
    """
    try:
        if method == "POST" and (found := INVOCATION.fullmatch(path)):
            return await _invoked(found[1], found[2] is not None, headers, body)
        if path.startswith("/_sagemaker/"):
            return 200, dict(JSON), json.dumps(_steer(method, path, body)).encode()
        target = headers.get("x-amz-target", "")
        if not target.startswith("SageMaker."):
            raise ApiError(
                "UnknownOperationException",
                f"The embedded cloud does not emulate {method} {path} of SageMaker.",
            )
        params = _parsed(body)
        refuse_reserved(params.get("Tags"))  # services set such tags, through `call`; clients may not
        answer = await in_thread(call, target.removeprefix("SageMaker."), params)
        return 200, dict(JSON), json.dumps(answer).encode()
    except ApiError as error:
        content = {"__type": error.code, "message": error.message}
        return error.status, JSON | {"x-amzn-errortype": error.code}, json.dumps(content).encode()
    except Exception:
        logger.exception("SageMaker %s %s %s", method, path, headers.get("x-amz-target", ""))
        content = {
            "__type": "InternalFailure",
            "message": "The embedded cloud failed; see cloud.log in its state folder.",
        }
        return 500, JSON | {"x-amzn-errortype": "InternalFailure"}, json.dumps(content).encode()


async def _invoked(
    endpoint_name: str, streaming: bool, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes | AsyncIterator[bytes]]:
    invoke = runtime.stream if streaming else runtime.invoke
    try:
        return await invoke(endpoint_name, headers, body)
    except ApiError as error:
        content = {"Message": error.message, **getattr(error, "members", {})}
        headers = RUNTIME_JSON | {"x-amzn-errortype": error.code}
        return error.status, headers, json.dumps(content).encode()


def shutdown() -> None:
    """Kill every program that this service started."""
    training_jobs.shutdown()
    endpoints.shutdown()


def reset() -> None:
    """Kill what runs and forget everything."""
    shutdown()
    store.clear()
    options.reset()


def _steer(method: str, path: str, body: bytes) -> dict[str, Any]:
    asked = _parsed(body)
    if method == "POST" and path == "/_sagemaker/options":
        options.update(asked)
        return dict(options.__dict__)
    found = re.fullmatch(r"/_sagemaker/training-jobs/([^/]+)/interrupt", path)
    if method == "POST" and found:
        training_jobs.interrupt(found[1], float(asked.get("capacity_after_seconds", 0)))
        return {}
    raise ApiError("UnknownOperationException", f"There is no {method} {path}.")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ApiError("SerializationException", "The request's body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise ApiError("SerializationException", "The request's body must be a JSON object.")
    return parsed


def _on_wire(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, dict):
        return {key: _on_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_on_wire(item) for item in value]
    return value
