"""The page's Lambda function: API Gateway's payload in and out, and no access without a checked token."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from finexpert.web import aws
from finexpert.web.context import Context
from finexpert.web.http import Request, Response

TOKEN = {"sub": "1", "token_use": "access", "client_id": "client", "scope": "openid"}
CLAIMS = {"jwt": {"claims": TOKEN, "scopes": ["openid"]}}


def event(method: str, path: str, *, signed_in: bool = True, **changes: Any) -> dict[str, Any]:
    """A payload of format 2.0, as AWS documents it."""
    context: dict[str, Any] = {"http": {"method": method, "path": path}}
    if signed_in:
        context["authorizer"] = CLAIMS
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"Content-Type": "application/json"},
        "requestContext": context,
        "isBase64Encoded": False,
        **changes,
    }


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch, context: Context) -> None:
    monkeypatch.setenv("SIGN_IN_URL", "https://pool.auth.us-east-1.amazoncognito.com")
    monkeypatch.setenv("CLIENT_ID", "client")
    monkeypatch.setattr(aws, "_context", lambda: context)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """The requests that reach the handlers."""
    found: list[Request] = []

    def answering(request: Request, context: Context) -> Response:
        found.append(request)
        return Response(body=iter([b"one\n", b"two\n"]))

    monkeypatch.setattr(aws, "handle", answering)
    return found


def test_pieces_are_put_together(asked: list[Request]) -> None:
    answered = aws.handler(event("POST", "/api/ask", body='{"prompt": "é"}'))
    body = answered["body"], answered["isBase64Encoded"]
    assert answered["statusCode"] == 200 and body == ("one\ntwo\n", False)
    assert asked[0].body == '{"prompt": "é"}'.encode()
    assert asked[0].headers == {"content-type": "application/json"}


def test_a_file_comes_in_base64(asked: list[Request]) -> None:
    body = b64encode(b"\x00\xff").decode()
    query = {"name": "a b.txt"}
    aws.handler(event("POST", "/api/datasets", body=body, isBase64Encoded=True, queryStringParameters=query))
    assert (asked[0].body, asked[0].query) == (b"\x00\xff", query)


def claims(**wrong: str) -> dict[str, Any]:
    return {"jwt": {"claims": {**TOKEN, **wrong}}}


@pytest.mark.parametrize(
    "authorizer",
    [
        *({}, {"jwt": {}}, {"jwt": {"claims": {}}}, {"lambda": {"sub": "1"}}),  # a path that slipped past it
        *(claims(token_use="id", aud="client"), claims(token_use="")),
        *(claims(client_id="another"), claims(client_id="")),
        *(claims(scope="aws.cognito.signin.user.admin"), claims(scope="openidx profile"), claims(scope="")),
    ],
    ids=str,
)
def test_only_this_pages_access_token_signs_in(asked: list[Request], authorizer: Any) -> None:
    slipped = event("GET", "/api/session", signed_in=False)
    assert aws.handler(slipped)["statusCode"] == 401
    slipped["requestContext"]["authorizer"] = authorizer
    assert aws.handler(slipped)["statusCode"] == 401
    assert asked == []


def test_a_body_that_is_too_large_is_refused(asked: list[Request]) -> None:
    assert aws.handler(event("POST", "/api/ask", body="x" * 100_001))["statusCode"] == 413
    assert asked == []


def test_the_page_is_for_everybody_and_says_where_to_sign_in() -> None:
    page = aws.handler(event("GET", "/", signed_in=False))
    assert page["statusCode"] == 200 and "<html" in page["body"]
    assert "connect-src 'self' https://pool.auth.us-east-1" in page["headers"]["Content-Security-Policy"]
    assert page["headers"]["Strict-Transport-Security"]
    config = json.loads(aws.handler(event("GET", "/config.json", signed_in=False))["body"])
    assert config["auth"]["kind"] == "cognito" and config["auth"]["client_id"] == "client"


def test_what_is_no_text_goes_out_in_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Response(body=b"\x89PNG", content_type="image/png")
    monkeypatch.setattr(aws.files, "serve", lambda path, connect: image)
    answered = aws.handler(event("GET", "/icon.png", signed_in=False))
    assert answered["isBase64Encoded"] and b64decode(answered["body"]) == b"\x89PNG"


def test_an_event_that_is_none_is_a_defect_reported_in_order() -> None:
    assert aws.handler({})["statusCode"] == 500
