"""InvokeEndpoint and InvokeEndpointWithResponseStream: route a request to a container, and count it."""

import http.client
import json
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass
from typing import Any

from localcloud import platform
from localcloud.environment import LOOPBACK
from localcloud.hooks.requests import event_message
from localcloud.protocol import REST_JSON, ApiError, Response, in_thread
from localcloud.sagemaker import components, endpoints, hosting, store, telemetry
from localcloud.sagemaker.hosting import Copy, Fleet, Placement
from localcloud.sagemaker.options import options
from localcloud.sagemaker.validation import service_model

PREFIX = "x-amzn-sagemaker-"
PASSED_ON = ("content-type", "accept", f"{PREFIX}custom-attributes", f"{PREFIX}inference-id")
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
ADAPTER_HEADER = "X-Amzn-SageMaker-Adapter-Identifier"
# In lower case on purpose: ministack rewrites a header spelled "Content-Type" to the control plane's JSON
# type, and this one is the container's to say.
CONTENT_TYPE = "content-type"
EVENT_STREAM = "application/vnd.amazon.eventstream"
CHUNK_BYTES = 65536
MAX_REASON = 2000  # characters of a container's error that are passed on


@dataclass(frozen=True)
class Target:
    """The receiver of a request: a component, or a variant's container."""

    placement: Placement
    fleet: Fleet
    adapter: str | None = None


def invoke(endpoint_name: str, headers: dict[str, str], body: bytes) -> Response:
    """Answer InvokeEndpoint; an error too, since the runtime's own differ from the control plane's.

    ValidationError for what cannot be routed, ModelError (424) for what the container answers with an error.
    """
    return _answered(_invoke, endpoint_name, headers, body)


def stream(endpoint_name: str, headers: dict[str, str], body: bytes) -> Response:
    """Answer InvokeEndpointWithResponseStream: each piece goes out when the container gives it.

    Errors as `invoke`, as long as nothing has been sent. A later one ends the stream as an exception message,
    ModelStreamError.
    """
    return _answered(_begin_stream, endpoint_name, headers, body)


def _answered(answer: Callable[[str, dict[str, str], bytes], Response], *asked: Any) -> Response:
    try:
        return answer(*asked)
    except ApiError as error:
        content = {"Message": error.message, **error.members}
        return REST_JSON.json(content, {"x-amzn-errortype": error.code}, error.status)


def route(endpoint_name: str, headers: dict[str, str]) -> Target:
    """Choose what answers: the component that the request names, or a variant by its weight.

    Raises:
        ApiError: ValidationError with the runtime's own words.
    """
    endpoint = store.table(store.ENDPOINT).get(endpoint_name)
    if endpoint is None or endpoint["EndpointStatus"] not in ("InService", "Updating", "RollingBack"):
        raise _refused(f"Endpoint {endpoint_name} of account {platform.account_id()} not found.")
    for header in ("target-model", "target-container-hostname", "session-id"):
        if headers.get(PREFIX + header):
            raise _refused(f"The embedded cloud does not emulate the header {PREFIX}{header}; leave it out.")
    component_name = headers.get(f"{PREFIX}inference-component")
    if endpoints.is_for_components(endpoint["_Config"]):
        if not component_name:
            raise _refused(
                "Inference Component Name header is required for endpoints to which you plan to deploy "
                "inference components. Please include Inference Component Name header or consider using "
                "SageMaker models."
            )
        return _component_target(endpoint_name, component_name)
    if component_name:
        raise _refused(
            "Inference Component Name header is not allowed for endpoints to which you dont plan to deploy "
            "inference components. Please remove the Inference Component Name header and try again."
        )
    return _variant_target(endpoint, headers.get(f"{PREFIX}target-variant"))


def _component_target(endpoint_name: str, component_name: str) -> Target:
    component = store.table(store.INFERENCE_COMPONENT).get(component_name)
    if component is None or component["EndpointName"] != endpoint_name:
        raise _refused(f"Inference Component {component_name} of account {platform.account_id()} not found.")
    if component["InferenceComponentStatus"] not in ("InService", "Updating"):
        raise _refused(
            f"Inference Component {component_name} is {component['InferenceComponentStatus']}, not InService."
        )
    base = components.base_of(component)
    fleet = hosting.fleets.get(base["InferenceComponentArn"])
    if fleet is None or not fleet.copies:
        telemetry.put_no_capacity(component_name)
        raise _refused(
            "Inference Component has no capacity to process this request. ApplicationAutoScaling may be "
            "in-progress (if configured) or try to increase the capacity by invoking "
            "UpdateInferenceComponentRuntimeConfig API."
        )
    adapter = component_name if base is not component else None
    return Target(Placement(endpoint_name, component["VariantName"], component_name), fleet, adapter)


def _variant_target(endpoint: store.Record, wanted: str | None) -> Target:
    name, variants = endpoint["EndpointName"], endpoint["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    if wanted and wanted not in names:
        raise _refused(f"Variant {wanted} of endpoint {name} not found.")
    weights = [variant.get("CurrentWeight", 1.0) for variant in variants]
    chosen = wanted or (random.choices(names, weights)[0] if sum(weights) > 0 else names[0])
    fleet = hosting.fleets.get(endpoints.fleet_key(endpoint, chosen))
    if fleet is None:
        raise ApiError("ServiceUnavailable", f"Variant {chosen} of endpoint {name} has no instances.", 503)
    return Target(fleet.placement, fleet)


class _Call:
    """One request to a container, counted from its beginning to its end."""

    def __init__(self, target: Target, copy: Copy, timeout: float) -> None:
        self.target, self._copy = target, copy
        self._began = time.monotonic()
        self._connection = http.client.HTTPConnection(LOOPBACK, copy.server.port, timeout=timeout)
        self._asked: float | None = None
        telemetry.put_concurrency(
            target.placement.dimensions, target.fleet.in_flight, len(target.fleet.copies)
        )

    def ask(self, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
        """Send the request; the answer's body is not read yet."""
        sent = {name: headers[name] for name in PASSED_ON if name in headers} | self._copy.server.headers
        if self.target.adapter:
            sent[ADAPTER_HEADER] = self.target.adapter
        self._asked = time.monotonic()
        self._connection.request("POST", "/invocations", body, sent)
        return self._connection.getresponse()

    def close(self, status: int) -> None:
        """Count the request with its HTTP status (0: no answer)."""
        self._connection.close()
        self.target.fleet.done(self._copy)
        now = time.monotonic()
        model_seconds = None if self._asked is None else now - self._asked
        telemetry.put_invocation(
            self.target.placement.dimensions,
            status=status,
            copies=len(self.target.fleet.copies),
            model_seconds=model_seconds,
            overhead_seconds=max(0.0, now - self._began - (model_seconds or 0.0)),
        )

    def model_error(self, status: int, reason: str) -> ApiError:
        """AWS's ModelError for an error answer, or for none (status 0)."""
        placement = self.target.fleet.placement
        group, region, account = placement.log_group, platform.region(), platform.account_id()
        kind = "client" if 400 <= status < 500 else "server"
        console = f"https://{region}.console.aws.amazon.com/cloudwatch/home"
        message = (
            f'Received {kind} error ({status}) from primary with message "{reason}". See '
            f"{console}?region={region}#logEventViewer:group={group} in account {account} for more "
            "information."
        )
        members = {
            "OriginalStatusCode": status,
            "OriginalMessage": reason,
            "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
        }
        return ApiError("ModelError", message, 424, members)


def _invoke(endpoint_name: str, headers: dict[str, str], body: bytes) -> Response:
    call = _begin(endpoint_name, headers, body, options.invocation_timeout)
    status = 0
    try:
        answer = call.ask(headers, body)
        content = answer.read()
        status = answer.status
        if not 200 <= status < 300:
            raise call.model_error(status, content.decode("utf-8", "replace")[:MAX_REASON])
        return 200, _head(answer, call.target, CONTENT_TYPE), content
    except (OSError, http.client.HTTPException) as error:
        raise _broken(call, error) from error
    finally:
        call.close(status)


def _begin_stream(endpoint_name: str, headers: dict[str, str], body: bytes) -> Response:
    """The head of the container's answer, and its body as event-stream messages as they come."""
    call = _begin(endpoint_name, headers, body, options.streaming_timeout)
    status = 0
    try:
        answer = call.ask(headers, body)
        status = answer.status
        if not 200 <= status < 300:
            raise call.model_error(status, answer.read().decode("utf-8", "replace")[:MAX_REASON])
    except (OSError, http.client.HTTPException) as error:
        call.close(0)
        raise _broken(call, error) from error
    except ApiError:
        call.close(status)
        raise
    head = _head(answer, call.target, "X-Amzn-SageMaker-Content-Type")
    return 200, head | {"Content-Type": EVENT_STREAM}, _sent(_pieces(call, answer))


async def _sent(pieces: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    try:
        while (piece := await in_thread(lambda: next(pieces, None))) is not None:
            yield piece
    finally:  # also when the client has hung up: the connection to the container is closed
        await in_thread(pieces.close)


def _pieces(call: _Call, answer: http.client.HTTPResponse) -> Generator[bytes, None, None]:
    status = 0
    try:
        while piece := answer.read1(CHUNK_BYTES):
            yield payload_part(piece)
        status = answer.status
    except (OSError, http.client.HTTPException) as error:
        reason = f"The container's answer broke off: {error or type(error).__name__}"
        code = "ModelInvocationTimeExceeded" if isinstance(error, TimeoutError) else "StreamBroken"
        yield exception_message("ModelStreamError", Message=reason, ErrorCode=code)
    finally:
        call.close(status)


def payload_part(content: bytes) -> bytes:
    """The event that carries a piece of the model's answer."""
    headers = {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
    }
    return event_message(headers, content)


def exception_message(kind: str, **members: str) -> bytes:
    """The message that ends a stream with an error of the model, such as ModelStreamError."""
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    return event_message(headers, json.dumps(members).encode())


def _begin(endpoint_name: str, headers: dict[str, str], body: bytes, timeout: float) -> _Call:
    limit = service_model("sagemaker-runtime").shape_for("BodyBlob").metadata["max"]
    if len(body) > limit:
        raise _refused(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have "
            f"length less than or equal to {limit}"
        )
    target = route(endpoint_name, headers)
    copy = target.fleet.begin()
    if copy is None:
        raise ApiError("ServiceUnavailable", f"Endpoint {endpoint_name} has no instance that is ready.", 503)
    return _Call(target, copy, timeout)


def _head(answer: http.client.HTTPResponse, target: Target, content_type_name: str) -> dict[str, str]:
    found = {
        content_type_name: answer.getheader("Content-Type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": target.placement.variant_name,
    }
    attributes = answer.getheader(CUSTOM_ATTRIBUTES)
    return found | ({CUSTOM_ATTRIBUTES: attributes} if attributes else {})


def _broken(call: _Call, error: Exception) -> ApiError:
    if isinstance(error, TimeoutError):
        reason = (
            "Your invocation timed out while waiting for a response from container primary. Review the "
            "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
        )
    else:
        reason = re.sub(r"^\[Errno \d+\] ", "", str(error)) or type(error).__name__
    return call.model_error(0, reason)


def _refused(message: str) -> ApiError:
    return ApiError("ValidationError", message)
