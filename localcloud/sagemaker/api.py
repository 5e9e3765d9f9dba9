"""The door of the service: in-process calls, HTTP requests, reset and shutdown.

Over HTTP it answers SageMaker's JSON protocol (`X-Amz-Target: SageMaker.<Operation>`) and the runtime's
`/endpoints/NAME/invocations`.
"""

import json
import re
from datetime import datetime
from typing import Any

from localcloud.protocol import AWS_JSON, Response, parsed, unknown_operation
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
from localcloud.sagemaker.tagging import refuse_reserved
from localcloud.sagemaker.validation import check, operation_model

INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations(-response-stream)?")
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
        raise unknown_operation(f"SageMaker's {operation}")
    answer: dict[str, Any] = json.loads(json.dumps(OPERATIONS[operation](given), default=_seconds))
    return answer


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response:
    """Answer one HTTP request: (status, headers, body or its chunks).

    Args:
        headers: names in lower case.
    """
    return await AWS_JSON.answered(lambda: _answer(method, path, headers, body))


def _answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
    if method == "POST" and (found := INVOCATION.fullmatch(path)):
        return (runtime.stream if found[2] else runtime.invoke)(found[1], headers, body)
    target = headers.get("x-amz-target", "")
    if not target.startswith("SageMaker."):
        raise unknown_operation(f"{method} {path} of SageMaker")
    params = parsed(body)
    refuse_reserved(params.get("Tags"))  # services set such tags, through `call`; clients may not
    return AWS_JSON.json(call(target.removeprefix("SageMaker."), params))


def shutdown() -> None:
    """Kill every program that this service started."""
    training_jobs.shutdown()
    endpoints.shutdown()


def _seconds(value: Any) -> float:
    """A time as it is on the wire."""
    assert isinstance(value, datetime)
    return round(value.timestamp(), 3)
