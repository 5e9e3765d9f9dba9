"""The door that every request to a service passes: who asks for what, and answers that refuse it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ministack import app
from ministack.core import iam_actions

from localcloud.hooks.requests import Handler
from localcloud.protocol import Response


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as a service gets it; one service's in-process call of another passes as well.

    service: IAM's name of the service.
    operation: the IAM action without its service; "" where ministack knows none.
    """

    service: str
    operation: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, list[str]]
    router_name: str = field(repr=False)

    def refused(self, *, code: str, message: str, status: int) -> Response:
        """This error, spelled in the service's protocol."""
        _, headers, body = iam_actions.access_denied_response(
            self.router_name,
            f"{self.service}:{self.operation}",
            "",
            "injected",
            error_code=code,
            message=message,
            headers=self.headers,
        )
        return status, headers, body


Check = Callable[[Request], Awaitable[Response | None]]


Answered = Callable[[Request, int], Response | None]


def install_gate(checks: Sequence[Check], answered: Answered) -> None:
    """Let every request of every service pass these checks, in order; the first answer stands. After the
    service has answered, `answered(request, status)` may put another answer in its place.

    Call it after all services are installed.
    """
    for name, handler in list(app.SERVICE_HANDLERS.items()):
        app.SERVICE_HANDLERS[name] = _guarded(name, handler, checks, answered)


def _guarded(name: str, handler: Handler, checks: Sequence[Check], answered: Answered) -> Any:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        params = app._routing_params(method, path, headers, _bytes(body), query)
        action = iam_actions.extract_iam_action(name, method, path, headers, _bytes(body), params) or ""
        service, _, operation = action.partition(":")
        request = Request(
            service=service or iam_actions.SERVICE_TO_IAM_NAMESPACE.get(name, name),
            operation=operation,
            method=method,
            path=path,
            headers=headers,
            body=_bytes(body),
            query=params,
            router_name=name,
        )
        for check in checks:
            refusal = await check(request)
            if refusal is not None:
                return refusal
        answer = await handler(method, path, headers, body, query)
        return answered(request, answer[0]) or answer

    return handle


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body  # Step Functions' own calls pass text
