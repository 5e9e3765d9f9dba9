"""Who may ask the server: the holder of its key, and no web page."""

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost")


def refusal(path: str, headers: Headers, key: str) -> tuple[int, str] | None:
    """Return status and reason for a request that is not answered; None for one that is.

    Every user of a machine, and every page in a browser on it, can send requests to its ports. With a key,
    all but /ping asks for it. Without one, adapters stay as they are.
    """
    if path == "/ping":
        return None
    if key:
        given = headers.getlist("authorization")
        if len(given) == 1 and hmac.compare_digest(given[0].encode(), f"Bearer {key}".encode()):
            return None
        return 401, "Authorization must hold the key of $SAGEMAKER_CONTAINER_KEY."
    if "origin" in headers or headers.get("host", "").rpartition(":")[0] not in LOOPBACK:
        return 403, "Web pages and other names of this machine are not answered."
    if path.startswith("/adapters"):
        return 403, "Adapters are changed only with a key: start the server with $SAGEMAKER_CONTAINER_KEY."
    return None


def guarded(app: ASGIApp, key: str) -> ASGIApp:
    """The application behind `refusal`."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] == "http" and refusal(scope["path"], Headers(scope=scope), key)
        if not refused:
            return await app(scope, receive, send)
        status, reason = refused
        answer = JSONResponse({"error": reason, "code": status}, status, {"Connection": "close"})
        await answer(scope, receive, send)

    return guard
