"""More clients than the endpoint has room for; tests/matrix/load has a whole minute of them."""

import http.client
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.serving_model import build_model
from tests.unit.serving.serving_load import storm
from tests.unit.serving.serving_program import KEY, PATIENCE_SECONDS, PROMPT, Running

ASKED = {"inputs": PROMPT, "parameters": {"max_new_tokens": 8}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    build_model(tmp_path / "model")
    with Running(tmp_path) as running:
        yield running


def asked(server: Running) -> str:
    return str(server.ask("POST", "/invocations", ASKED)[0])


def test_fifty_clients_all_get_an_answer_and_the_surplus_is_turned_away(server: Running) -> None:
    tally = storm(lambda: asked(server), clients=50, until=lambda seen: seen.sent >= 1000)
    assert set(tally.outcomes) == {"200", "429"}, tally
    assert sum(tally.outcomes.values()) == tally.sent
    assert server.logged("POST /invocations", tally.sent) == tally.sent, "each reached the server, once"
    assert asked(server) == "200", "it serves on"


def test_requests_while_the_server_ends_are_answered_or_their_connection_is_closed(server: Running) -> None:
    once = threading.Lock()

    def ask_and_end() -> str:
        outcome = asked(server)
        if outcome == "200" and once.acquire(blocking=False):
            server.process.send_signal(signal.SIGTERM)
        return outcome

    tally = storm(ask_and_end, clients=20, until=lambda seen: server.process.poll() is not None)
    assert server.process.wait(PATIENCE_SECONDS) == 0
    closed = ("ConnectionRefused", "ConnectionReset", "RemoteDisconnected", "BrokenPipe")
    assert all(any(name in reason for name in closed) for reason in tally.lost), tally
    assert set(tally.outcomes) - set(tally.lost) <= {"200", "429", "503"}, tally
    assert tally.outcomes["200"] > 0, tally


def test_an_answer_that_has_begun_is_whole_when_the_server_ends(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    wanted = ASKED | {"parameters": {"max_new_tokens": 64}, "stream": True}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    connection.request("POST", "/invocations", json.dumps(wanted), headers)
    answer = connection.getresponse()
    first = answer.readline()
    server.process.send_signal(signal.SIGTERM)
    *_, last = [first, *answer.read().splitlines()]
    assert json.loads(last)["generated_text"]
    assert server.process.wait(PATIENCE_SECONDS) == 0
