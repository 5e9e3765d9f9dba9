"""Connections that are no good HTTP: the page on this machine refuses them and serves on."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.functional.web_page.page_server import TOKEN, PageServer, running_page

HALF_OPEN = 200
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with running_page() as running:
        yield running


def exchanged(server: PageServer, *lines: str, body: bytes = b"") -> list[int]:
    """The statuses of all answers to what is sent as it stands."""
    head = "\r\n".join([lines[0], f"Host: 127.0.0.1:{server.port}", *lines[1:], "", ""]).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head + body)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def served(server: PageServer) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/api/session", headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        return connection.getresponse().status == 200
    finally:
        connection.close()


KEY = f"Authorization: Bearer {TOKEN}"
SMUGGLED = b"GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (("POST /api/ask HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
        (("POST /api/ask HTTP/1.1", "Content-Length: 0", "Content-Length: 5"), b"12345"),
        (("POST /api/ask HTTP/1.1", "Content-Length: -1"), b""),
        (("POST /api/ask HTTP/1.1", "Content-Length: 1e3"), b""),
        (("POST /api/ask HTTP/1.1", "Transfer-Encoding: chunked"), b"ZZ\r\n"),
        (("POST /api/ask HTTP/1.1", "Transfer-Encoding: gzip, chunked"), b"0\r\n\r\n"),
        (("GET /api/session HTTP/1.1", f"X-Long: {'x' * 70_000}"), b""),
        (("GET /api/session HTTP/1.1", "Host: evil.example"), b""),
        (("GET /api/session HTTP/1.1", " folded: header"), b""),
        (("GET  /api/session HTTP/1.1",), b""),
        (("TRACE /api/session HTTP/1.1",), b""),
        (("CONNECT evil.example:443 HTTP/1.1",), b""),
        (("GET http://evil.example/api/session HTTP/1.1", "Host: evil.example"), b""),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, tuple) else "",
)
def test_what_is_no_good_request_gets_one_refusal_and_no_second_answer(
    server: PageServer, lines: tuple[str, ...], body: bytes
) -> None:
    statuses = exchanged(server, *lines, KEY, "Connection: close", body=body + SMUGGLED)
    assert len(statuses) <= 1 and all(400 <= status < 600 for status in statuses), statuses
    assert served(server)


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_no_connection_is_upgraded_into_the_api(server: PageServer, upgrade: str) -> None:
    asked = ("GET /api/session HTTP/1.1", "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}")
    more = ("HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    statuses = exchanged(server, *asked, *more, "Sec-WebSocket-Version: 13", KEY)
    assert 200 not in statuses, statuses
    assert served(server)


def test_half_open_and_dripping_connections_are_dropped_and_others_served(server: PageServer) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with ExitStack() as stack:
        place = ("127.0.0.1", server.port)
        half = [stack.enter_context(socket.create_connection(place)) for _ in range(HALF_OPEN)]
        for number, connection in enumerate(half):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" if number % 2 else b"G")
        assert served(server)
        while half and time.monotonic() < deadline:
            half = [connection for connection in half if dripping(connection)]
            assert served(server)
            time.sleep(0.5)
    assert not half, f"{len(half)} connections are kept"


def dripping(connection: socket.socket) -> bool:
    """Send one byte more; whether the other side still listens."""
    try:
        connection.sendall(b"x")
        connection.settimeout(0.001)
        return connection.recv(65_536) != b""
    except TimeoutError:
        return True
    except OSError:
        return False
