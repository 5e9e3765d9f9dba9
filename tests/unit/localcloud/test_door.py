"""The embedded cloud's front door: strangers are refused before anything else sees their request."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from localcloud import door

URL = "http://127.0.0.1:4000"
NOT_SIGNED = "not signed"


def send(
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    kind: str = "http",
    body: bytes = b"",
    signed: bool = False,
) -> tuple[int, list[dict[str, Any]]]:
    """The answer's status (200 from the cloud behind the door), and the scopes that went through."""
    through: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []

    async def cloud(scope: dict[str, Any], receive: Any, send: Any) -> None:
        through.append(scope | {"body": (await receive())["body"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def failure(*_: Any, root_only: bool) -> str:
        return "" if signed and not root_only else NOT_SIGNED

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message: dict[str, Any]) -> None:
        sent.append(message)

    given = {"host": "127.0.0.1:4000"} | {name.lower(): text for name, text in (headers or {}).items()}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "scheme": "http",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    application = door.in_front_of(cloud, URL, failure, lambda *_: (403, {}, b""))

    async def run() -> None:
        await application(scope, receive, keep)

    asyncio.run(run())
    return sent[0].get("status", 0), through


STRANGERS = [
    {"Host": "evil.example"},
    {"Host": "evil.example:4000"},
    {"Host": "127.0.0.1:4001"},
    {"Host": "127.0.0.1"},
    {"Host": "127.0.0.1:4000, evil.example"},
    {"Host": ""},
    {"Host": "[::1]:4000"},
    {"Host": "bucket.localhost:4000"},
    {"Host": "x.auth.us-east-1.amazoncognito.com"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:4001"},
    {"Origin": "https://127.0.0.1:4000"},
    {"Origin": "http://127.0.0.1:4000.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "unheard-of"},
]
PATHS = [
    ("POST", "/"),
    ("POST", "/2015-03-31/functions"),
    ("OPTIONS", "/2015-03-31/functions"),
    ("GET", "/_finexpert/health"),
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_aws/execute-api/abcd1234/$default/"),
    ("PUT", "/_ministack/cfn-response/00000000-0000-0000-0000-000000000000"),
]


@pytest.mark.parametrize("headers", STRANGERS, ids=str)
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_foreign_page_is_refused_though_signed(method: str, path: str, headers: dict[str, str]) -> None:
    assert send(method, path, headers, signed=True) == (403, [])


def test_a_name_given_twice_is_no_name() -> None:
    assert door.joined([(b"Host", b"127.0.0.1:4000"), (b"host", b"evil")]) == {"host": "127.0.0.1:4000,evil"}


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": URL}, {"Sec-Fetch-Site": "same-origin"}, {"Host": "LOCALHOST:4000"}]
)
def test_the_owners_signed_requests_pass(headers: dict[str, str]) -> None:
    status, through = send("POST", "/", headers, signed=True, body=b"Action=ListRoles")
    assert (status, through[0]["body"]) == (200, b"Action=ListRoles")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *PATHS[:6],
        ("POST", "/logout"),
        ("GET", "/logout/"),
        ("PUT", "/oauth2/token"),
        ("POST", "/oauth2/token/../../2015-03-31/functions"),
        ("GET", "/_aws/execute-api/abcd1234/prod/@connections/1"),
        ("GET", "/_aws/execute-api/"),
        ("POST", "/_ministack/cfn-response/00000000-0000-0000-0000-000000000000"),
        ("PUT", "/_ministack/cfn-response/guess"),
        ("GET", "/pool/.well-known/jwks.json"),
        ("GET", "/health"),
        ("GET", "/_ministack/health"),
        ("POST", "/restapis/abcd/prod/_user_request_/x"),
        ("POST", "/_aws/lambda-url/x"),
    ],
)
def test_what_is_not_signed_is_refused(method: str, path: str) -> None:
    assert send(method, path) == (403, [])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/oauth2/authorize"),
        ("POST", "/login"),
        ("POST", "/oauth2/token"),
        ("GET", "/logout"),
        ("GET", "/_aws/execute-api/abcd1234/$default/api/session"),
        ("PUT", "/_ministack/cfn-response/00000000-0000-0000-0000-000000000000"),
    ],
)
def test_what_is_unsigned_on_aws_passes_without_claims_to_another_service(method: str, path: str) -> None:
    claims = {
        "X-Amz-Target": "SageMaker.CreateTrainingJob",
        "x-amz-security-token": "t",
        "Authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/lambda/aws4_request",
    }
    status, (through,) = send(method, path, {"Cookie": "kept=1", **claims})
    assert status == 200
    assert [name for name, _ in through["headers"]] == [b"host", b"cookie"]


def test_a_page_keeps_its_own_token() -> None:
    _, (through,) = send("GET", "/_aws/execute-api/abcd1234/$default/api", {"Authorization": "Bearer t"})
    assert (b"authorization", b"Bearer t") in through["headers"]


def test_only_the_owner_reaches_paths_that_aws_does_not_have() -> None:
    for path in ("/_finexpert/bill", "/_finexpert/options", "/_ministack/reset"):
        assert send("POST", path, signed=True) == (403, [])  # the fake's signer is a role


def test_websockets_are_closed() -> None:
    assert send("GET", "/", kind="websocket", signed=True) == (0, [])


def test_a_body_too_long_to_check_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_BODY", 3)
    _, (through,) = send("POST", "/", signed=True, body=b"four")
    assert through["body"] == b""
