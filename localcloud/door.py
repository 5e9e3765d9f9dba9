"""Lets only the owner and the programs that the owner started talk to the embedded cloud.

The cloud runs code that it is given, so anybody who can send it a request can run programs as its owner. Two
kinds of stranger reach a loopback port: a web page in the owner's browser, and another user of the machine.

- A request from a page is refused by its Host (a name that was rebound to this address), its Origin or its
  Sec-Fetch-Site, before anything else looks at it.
- Another user's request is refused because it is not signed with this cloud's secret
  (`environment.make_credentials`), nor under a role that was assumed with it. Paths that AWS does not have
  (`/_…`) ask for the owner's own signature.

Some requests are unsigned on AWS as well: those of a deployed page, a person's sign-in, a custom resource's
answer. `_is_public` recognises each by its method and its whole path, and `_without_claims` removes every
header by which ministack would hand it to another service.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, quote

Application = Callable[..., Awaitable[None]]
Scope = dict[str, Any]
Failure = Callable[..., str]
Refusal = Callable[..., tuple[int, dict[str, str], bytes]]

MOST_BODY = 128 * 2**20  # of a request that must be read before its signature can be checked
ADVICE = "Take the credentials of this embedded cloud: `finexpert local up` prints them."
NAVIGATED = ("none", "same-origin")  # Sec-Fetch-Site of what a person typed, and of the cloud's own pages
SIGN_IN_HOST = re.compile(r"[a-z0-9-]+\.auth\.[a-z0-9-]+\.amazoncognito\.com(:443)?")
PAGE = re.compile(r"/_aws/execute-api/[a-z0-9]{4,20}/[^/]+(/(?!@connections).*)?", re.DOTALL)
ANSWER = re.compile(r"/_ministack/cfn-response/[0-9a-f-]{36}")
SIGN_IN = {
    ("GET", "/oauth2/authorize"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/oauth2/login"),
    ("POST", "/oauth2/token"),
    ("GET", "/oauth2/userInfo"),
    ("GET", "/logout"),
}


def in_front_of(
    cloud: Application, endpoint_url: str, signature_failure: Failure, refusal: Refusal
) -> Application:
    """The ASGI application that refuses strangers and passes all other requests on to `cloud`.

    Args:
        endpoint_url: where the cloud listens.
        signature_failure: why a request's signature does not count, see `localcloud.hooks`.
        refusal: how its service says so.
    """
    address = endpoint_url.partition("//")[2]
    hosts = {address, f"localhost:{address.rpartition(':')[2]}"}

    async def application(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await cloud(scope, receive, send)
            return
        headers = joined(scope["headers"])
        reason = foreign(scope, headers, hosts)
        if reason or scope["type"] != "http":
            await _refuse_stranger(scope, send, reason or "This cloud serves HTTP requests only.")
            return
        if _is_public(scope):
            await cloud(_without_claims(scope), receive, send)
            return
        hashed = headers.get("x-amz-content-sha256", "")
        if not hashed or hashed.startswith("STREAMING-AWS4-"):
            body, receive = await _read(receive)
        else:
            body = b""
        raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        root_only = scope["path"].startswith("/_")
        reason = signature_failure(scope["method"], raw_path, query, headers, body, root_only=root_only)
        if reason:
            answer = refusal(scope["method"], scope["path"], query, headers, f"{reason} {ADVICE}")
            await _send(scope, send, *answer)
            return
        if "authorization" not in headers:  # signed in its address: for S3, and for nothing else
            scope = _without_claims(scope)
        await cloud(scope, receive, send)

    return application


def joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names in lower case; the values of a repeated one joined by a comma."""
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def foreign(scope: Scope, headers: dict[str, str], hosts: set[str]) -> str:
    """The reason why a request counts as a foreign page's; "" if it does not.

    Args:
        headers: see `joined`; a repeated Host or Origin matches nothing.
        hosts: the cloud's own names, with its port.
    """
    host = headers.get("host", "").lower()
    signs_in = _is_sign_in(scope) and SIGN_IN_HOST.fullmatch(host)
    if host not in hosts and not signs_in:
        return f"This cloud is not {host or 'a host without a name'}."
    origins = {f"{scope.get('scheme', 'http')}://{name}" for name in hosts}
    if "origin" in headers and headers["origin"].lower() not in origins:
        return "Pages of other origins may not use this cloud."
    if headers.get("sec-fetch-site", NAVIGATED[0]) not in NAVIGATED:
        return "Pages of other sites may not use this cloud."
    return ""


def _is_sign_in(scope: Scope) -> bool:
    return scope["type"] == "http" and (scope["method"], scope["path"]) in SIGN_IN


def _is_public(scope: Scope) -> bool:
    method, path = scope["method"], scope["path"]
    if _is_sign_in(scope) or PAGE.fullmatch(path):
        return True
    return method == "PUT" and ANSWER.fullmatch(path) is not None


def _without_claims(scope: Scope) -> Scope:
    """A request without the headers that claim a signature or a service; a page's own token stays."""
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if not name.lower().startswith((b"x-amz-", b"x-forwarded-"))
        and (name.lower() != b"authorization" or value.startswith(b"Bearer "))
    ]
    return {**scope, "headers": kept}


async def _read(receive: Any) -> tuple[bytes, Any]:
    """A request's body (none of it, if it is longer than MOST_BODY), and a `receive` that gives it again."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunks.append(message.get("body", b""))
        size, more = size + len(chunks[-1]), message.get("more_body", False)
        if size > MOST_BODY:
            chunks, more = [], False
    body = b"".join(chunks)
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Any:
        return rest.pop() if rest else await receive()

    return body, again


async def _refuse_stranger(scope: Scope, send: Any, reason: str) -> None:
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps({"error": reason}).encode()
    await _send(scope, send, 403, {"Content-Type": "application/json"}, body)


async def _send(scope: Scope, send: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
