"""More clients than the endpoint has room for; tests/matrix/load has a whole minute of them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.serving_model import build_model
from tests.unit.serving.serving_load import storm
from tests.unit.serving.serving_program import PROMPT, Running

ASKED = {"inputs": PROMPT, "parameters": {"max_new_tokens": 8}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    build_model(tmp_path / "model")
    running = Running(tmp_path)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def asked(server: Running) -> str:
    return str(server.ask("POST", "/invocations", ASKED)[0])


def test_fifty_clients_all_get_an_answer_and_the_surplus_is_turned_away(server: Running) -> None:
    tally = storm(lambda: asked(server), clients=50, seconds=5)
    assert set(tally.outcomes) == {"200", "429"}, tally
    assert sum(tally.outcomes.values()) == tally.sent
    deadline = time.monotonic() + 10  # an answer leaves before its line is written
    while (logged := server.log.read_text().count("POST /invocations")) < tally.sent:
        assert time.monotonic() < deadline, f"{logged} of {tally.sent} reached the server"
        time.sleep(0.05)
    assert logged == tally.sent, "each reached the server, once"
    assert asked(server) == "200", "it serves on"


def test_who_waits_when_the_server_is_told_to_end_gets_an_answer(server: Running) -> None:
    threading.Timer(1.0, server.process.send_signal, [signal.SIGTERM]).start()
    tally = storm(lambda: asked(server), clients=20, seconds=1.5)
    assert server.process.wait(30) == 0
    # A connection that comes too late is closed unread. Each request that was read is in the log, and has an answer.
    closed = ("ConnectionRefused", "ConnectionReset", "RemoteDisconnected")
    assert all(any(name in reason for name in closed) for reason in tally.lost), tally
    answered = {outcome: count for outcome, count in tally.outcomes.items() if outcome not in tally.lost}
    assert set(answered) <= {"200", "429", "503"}, tally
    assert server.log.read_text().count("POST /invocations") == sum(answered.values()), tally
    assert tally.outcomes["200"] > 0, tally
