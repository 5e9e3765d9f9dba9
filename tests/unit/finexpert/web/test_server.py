"""The server on this machine, spoken to as an ASGI server would: doors, limits, readers who leave."""

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from finexpert.errors import UserError
from finexpert.web import local
from finexpert.web.context import Context
from finexpert.web.door import Door
from finexpert.web.http import NDJSON, Request, Response

DOOR = Door(8765, "the-key")
OWN = {"host": "127.0.0.1:8765", "authorization": "Bearer the-key", "content-type": "application/json"}


def talk(
    context: Context,
    method: str,
    path: str,
    chunks: list[bytes],
    *,
    repeated: tuple[tuple[str, str], ...] = (),
    version: str = "1.1",
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer; a body is sent in chunks, `repeated` headers come first."""
    own = {**OWN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = [*repeated, *own.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": version,
        "method": method,
        "path": path.partition("?")[0],
        "raw_path": path.encode(),
        "query_string": path.partition("?")[2].encode(),
        "scheme": "http",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in sent],
        "server": ("127.0.0.1", 8765),
    }
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": place < len(chunks)}
        for place, chunk in enumerate(chunks or [b""], 1)
    ]
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answered.append(message)

    asyncio.run(local.application(context, DOOR)(scope, receive, send))
    received = {name.decode(): value.decode() for name, value in answered[0]["headers"]}
    return answered[0]["status"], received, b"".join(message.get("body", b"") for message in answered[1:])


def test_the_key_is_asked_for_before_a_body_is_read(context: Context) -> None:
    status, _, body = talk(context, "POST", "/api/ask", [b"{"], authorization="Bearer no")
    assert (status, json.loads(body)["error"]["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    "first",
    [
        ("origin", "https://evil.example"),
        ("host", "evil.example"),
        ("authorization", "Bearer guessed"),
        ("sec-fetch-site", "cross-site"),
    ],
)
def test_a_header_given_twice_counts_as_neither(context: Context, first: tuple[str, str]) -> None:
    own: dict[str, Any] = {"origin": "http://127.0.0.1:8765", "sec_fetch_site": "same-origin"}
    assert talk(context, "GET", "/api/nothing", [], **own)[0] == 404
    assert talk(context, "GET", "/api/nothing", [], repeated=(first,), **own)[0] in (401, 403)


def test_a_connection_that_was_upgraded_to_http_2_gets_nothing(context: Context) -> None:
    assert talk(context, "GET", "/", [], version="2")[0] == 505


def test_every_answer_guards_itself(context: Context) -> None:
    for path in ("/", "/api/nothing", "/config.json", "/nothing"):
        _, headers, _ = talk(context, "GET", path, [])
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("chunks", [[b"x" * 200_000], [b"x" * 60_000] * 4, [b"x" * 100_000] * 100])
def test_a_body_that_is_too_large_is_refused_however_it_comes(context: Context, chunks: list[bytes]) -> None:
    status, _, body = talk(context, "POST", "/api/ask", chunks)
    assert (status, json.loads(body)["error"]["code"]) == (413, "too_large")


def test_a_page_is_only_read(context: Context) -> None:
    assert talk(context, "POST", "/", [])[0] == 405
    assert talk(context, "OPTIONS", "/api/ask", [], origin="https://evil.example")[0] == 403


def test_the_configuration_says_how_to_come_in_and_holds_no_key(context: Context) -> None:
    _, _, body = talk(context, "GET", "/config.json", [], authorization="")
    assert json.loads(body) == {"auth": {"kind": "token"}}


def test_pieces_are_sent_as_they_come_and_closed(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"one\n"
            yield b"two\n"
        finally:
            closed.append(True)

    def answering(request: Request, context: Context) -> Response:
        return Response(body=pieces(), content_type=NDJSON)

    monkeypatch.setattr(local, "handle", answering)
    status, headers, body = talk(context, "POST", "/api/ask", [b"{}"])
    assert (status, headers["content-type"], body) == (200, NDJSON, b"one\ntwo\n")
    assert closed == [True]


def test_a_port_that_is_taken_is_reported(context: Context) -> None:
    with socket.socket() as taken:
        taken.bind((local.ADDRESS, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} cannot be listened to"):
            local.serve(context.deployment, port=port, ready=lambda address: pytest.fail(address))


def test_without_a_port_it_is_the_usual_one_or_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken, socket.socket() as first, socket.socket() as second:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(local, "PORT", taken.getsockname()[1])
        local._bind(first, None)
        assert first.getsockname()[1] not in (0, local.PORT)
        taken.close()
        local._bind(second, None)
        assert second.getsockname()[1] == local.PORT
