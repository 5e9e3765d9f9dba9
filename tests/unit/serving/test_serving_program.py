"""`python -m serving` as a program, over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_model import build_adapter, build_model

from serving.__main__ import main

REPOSITORY = Path(__file__).resolve().parents[3]
PROMPT = "The relative volume"


class Running:
    """A server with a tiny model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "SAGEMAKER_BASE_DIR": str(folder),
            "SAGEMAKER_BIND_TO_PORT": "0",
            "OMP_NUM_THREADS": "1",
        }
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "serving"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        self.port = self._port()

    def _port(self) -> int:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            text = self.log.read_text()
            if " on port " in text:
                return int(text.split(" on port ")[1].split()[0])
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        sent = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text, answer.headers

    def generated(self, adapter: str | None = None) -> str:
        headers = {"X_Amzn_SageMaker_Adapter_Identifier": adapter} if adapter else {}
        status, text, _ = self.ask("POST", "/invocations", {"inputs": PROMPT}, **headers)
        assert status == 200, text
        found: str = json.loads(text)["generated_text"]
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("program")
    build_model(folder / "model")
    build_adapter(folder / "tuned", folder / "model", seed=1)
    server = Running(folder)
    try:
        yield server
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0, "SIGTERM must end it cleanly"
        assert "Traceback" not in server.log.read_text()
    finally:
        server.process.kill()
        server.process.wait()


def test_health_answer_and_passed_on_attributes(running: Running) -> None:
    assert running.ask("GET", "/ping")[0] == 200
    status, text, headers = running.ask(
        "POST",
        "/invocations",
        {"inputs": PROMPT, "parameters": {"max_new_tokens": 4, "details": True}},
        X_Amzn_SageMaker_Custom_Attributes="trace=7",
    )
    answer = json.loads(text)
    assert status == 200
    assert answer["details"]["finish_reason"] == "length"
    assert answer["details"]["generated_tokens"] == 4
    assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "trace=7"


def test_a_stream_is_a_line_a_token_and_ends_with_the_whole(running: Running) -> None:
    asked = {"inputs": PROMPT, "parameters": {"max_new_tokens": 30}, "stream": True}
    status, text, headers = running.ask("POST", "/invocations", asked)
    lines = [json.loads(line) for line in text.splitlines()]
    assert (status, headers["Content-Type"]) == (200, "application/jsonlines")
    assert (
        "".join(line["token"]["text"] for line in lines) == lines[-1]["generated_text"] == running.generated()
    )
    assert len(lines) > 5


def test_adapters_over_http(running: Running) -> None:
    before = running.generated()
    added = {"name": "expert", "src": str(running.folder / "tuned")}
    assert running.ask("POST", "/adapters", added)[0] == 200
    assert running.ask("POST", "/adapters", added)[0] == 409
    assert json.loads(running.ask("GET", "/adapters")[1]) == [{"name": "expert"}]
    assert running.generated("expert") != before == running.generated()
    assert running.ask("DELETE", "/adapters/expert")[0] == 200
    assert running.ask("DELETE", "/adapters/expert")[0] == 404
    status, text, _ = running.ask(
        "POST", "/invocations", {"inputs": PROMPT}, X_Amzn_SageMaker_Adapter_Identifier="expert"
    )
    assert (status, json.loads(text)["code"]) == (404, 404)
    status, _, _ = running.ask(
        "POST",
        "/invocations",
        {"inputs": PROMPT, "stream": True},
        X_Amzn_SageMaker_Adapter_Identifier="expert",
    )
    assert status == 404, "a refusal has its own status, streamed or not"


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/invocations", b"{", {}, 400),
        ("POST", "/invocations", {"inputs": "x"}, {"Content_Type": "text/csv"}, 415),
        ("POST", "/invocations", b"x", {"Content_Length": str(7 * 1024 * 1024)}, 413),
        ("POST", "/invocations", {"inputs": "word " * 300}, {}, 422),
        ("GET", "/elsewhere", None, {}, 404),
        ("POST", "/adapters", {"name": "../x", "src": "/"}, {}, 400),
        ("POST", "/adapters", {"name": "x", "src": "/nowhere"}, {}, 400),
    ],
)
def test_errors_are_json_with_their_status(
    running: Running, method: str, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    got, text, _ = running.ask(method, path, body, **headers)
    assert (got, json.loads(text)["code"]) == (status, status)
    assert json.loads(text)["error"]


def test_the_log_tells_requests_and_not_what_was_asked(running: Running) -> None:
    running.ask("POST", "/invocations", {"inputs": "a secret figure"})
    assert "POST /invocations" in running.log.read_text()
    assert "secret" not in running.log.read_text()


def test_no_model_is_one_line_and_not_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert main() == 1
    assert "config.json is missing" in capsys.readouterr().err
    monkeypatch.setenv("SERVING_THREADS", "many")
    assert main() == 2
    assert "SERVING_THREADS is 'many'" in capsys.readouterr().err
