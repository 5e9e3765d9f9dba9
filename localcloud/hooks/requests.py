"""Requests: for whom one is served, and further services that answer them."""

import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from ministack import app
from ministack.core import concurrency, iam_actions, responses, router
from ministack.services import lambda_svc, tagging

from localcloud.protocol import Response

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]


def account_id() -> str:
    """The account of the request being served."""
    return str(responses.get_account_id())


def region() -> str:
    """The region of the request being served."""
    return str(responses.get_region())


def request_scope(account: str, in_region: str) -> contextlib.AbstractContextManager[None]:
    """Act for another account and region within a `with` block."""
    scope: contextlib.AbstractContextManager[None] = responses.request_scope(account, in_region)
    return scope


def spawn(function: Callable[..., object], *args: object, name: str = "localcloud") -> threading.Thread:
    """Run `function(*args)` in a daemon thread with the request's account and region.

    An exception ends the thread and is logged in cloud.log with its trace.
    """
    thread: threading.Thread = concurrency.spawn_background(function, *args, thread_name=name)
    return thread


def application() -> Callable[..., Awaitable[None]]:
    """ministack's ASGI application."""
    asgi: Callable[..., Awaitable[None]] = app.app
    return asgi


def install_service(
    name: str, *, target_prefix: str, host_pattern: str, handler: Handler, rest_models: Sequence[str] = ()
) -> None:
    """Serve a further AWS service: requests signed for `name`, or whose X-Amz-Target starts with
    `target_prefix`. `rest_models`: botocore's models of its operations that differ by their path.
    """

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], Any]:
        status, answer_headers, answer = await handler(method, path, headers, body, query)
        return status, answer_headers, answer if isinstance(answer, bytes) else _streaming(answer)

    pattern = {"target_prefixes": [target_prefix], "host_patterns": [host_pattern], "credential_scope": name}
    others = {key: value for key, value in router.SERVICE_PATTERNS.items() if key != name}
    router.SERVICE_PATTERNS.clear()  # in place, and first: S3 takes every path that is left over
    router.SERVICE_PATTERNS.update({name: pattern, **others})
    app.SERVICE_REGISTRY[name] = {"module": name}
    app.SERVICE_HANDLERS[name] = handle
    iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
    iam_actions._BOTOCORE_SERVICE_MAP[name] = list(rest_models)


def install_tagged_resources(
    service: str, list_them: Callable[[], Sequence[tuple[str, dict[str, str]]]]
) -> None:
    """Let the tagging API's GetResources see a service's resources, and policies their tags: (ARN, tags)."""

    def collect() -> list[tuple[str, list[dict[str, str]]]]:
        return [
            (arn, [{"Key": key, "Value": value} for key, value in tags.items()])
            for arn, tags in list_them()
            if tags
        ]

    tagging._COLLECTORS[service] = collect
    tagging._RESOURCE_TAG_COLLECTORS[service] = collect


def event_message(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of AWS's event-stream encoding."""
    return bytes(lambda_svc._es_encode_message(headers, payload))


def _streaming(chunks: AsyncIterator[bytes]) -> Any:
    async def run(send: Callable[[dict[str, Any]], Awaitable[None]], receive: object) -> None:
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return responses.StreamingResponse(run)


def install_bodies_on_trail(target_prefix: str) -> None:
    """Keep in CloudTrail's events the parameters of requests with this X-Amz-Target only.

    Bodies of others hold prompts, messages and payloads, which AWS's trail of management events has not.
    """
    record = app._maybe_record_cloudtrail

    def record_without_content(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> None:
        kept = body if headers.get("x-amz-target", "").startswith(target_prefix) else b""
        record(service, method, path, headers, kept, *rest)

    app._maybe_record_cloudtrail = record_without_content
