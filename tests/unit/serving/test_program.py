"""`python -m serving` as a program, over HTTP."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.__main__ import main
from tests.fakes.serving_model import build_adapter, build_model
from tests.unit.serving.serving_program import PATIENCE_SECONDS, PROMPT, Running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("program")
    build_model(folder / "model")
    build_adapter(folder / "tuned", folder / "model", seed=1)
    with Running(folder) as server:
        yield server
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE_SECONDS) == 0, "SIGTERM must end it cleanly"
        assert "Traceback" not in server.log.read_text()


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
    pieces = "".join(line["token"]["text"] for line in lines)
    assert pieces == lines[-1]["generated_text"] == running.generated()
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
    adapter = {"X_Amzn_SageMaker_Adapter_Identifier": "expert"}
    status, text, _ = running.ask("POST", "/invocations", {"inputs": PROMPT}, **adapter)
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
        ("GET", "/adapters", None, {"Authorization": ""}, 401),
        ("POST", "/adapters", {"name": "x", "src": "/"}, {"Authorization": "Bearer guessed"}, 401),
        ("DELETE", "/adapters/expert", None, {"Authorization": "Bearer"}, 401),
        ("POST", "/invocations", {"inputs": "x"}, {"Authorization": ""}, 401),
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
    assert running.logged("POST /invocations")
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
