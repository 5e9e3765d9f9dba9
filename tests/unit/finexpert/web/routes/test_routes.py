"""Requests that should not be sent get a proper answer, and what they hold is not repeated anywhere."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finexpert.service.endpoint import switch
from finexpert.service.money import costs
from finexpert.web import routes
from finexpert.web.context import Context
from finexpert.web.http import Request, encoded
from finexpert.web.routes import ROUTES, handle, money, most_bytes
from tests.unit.finexpert.web.web_app import Ask

FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/", 404),
        ("DELETE", "/api/runs", 405),
        ("GET", "/api/ask", 405),
        ("GET", "/api/runs/../../secret", 404),
        ("GET", "/api/runs/a b", 404),
        ("GET", "/api/runs/a/b/report", 404),
        ("GET", "/api/runs/" + "a" * 81, 404),
        ("GET", "/api/session/", 404),
        ("GET", "/api/session\n", 404),
    ],
)
def test_there_is_nothing_anywhere_else(ask: Ask, method: str, path: str, status: int) -> None:
    assert ask(method, path)[0] == status


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", ""]),
    path=st.one_of(
        st.text(max_size=40), st.sampled_from([route.path for route in ROUTES if "{" in route.path])
    ),
    body=st.binary(max_size=60),
)
def test_no_request_brings_it_down(method: str, path: str, body: bytes) -> None:
    context = Context(deployment=None, streams=True, compares=True)  # type: ignore[arg-type]
    answered = handle(Request(method=method, path=path, body=body), context)
    assert answered.status >= 400


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"prompt": ""},
        {"prompt": "  \n"},
        {"prompt": 7},
        {"prompt": ["a"]},
        {"prompt": "x", "parameters": []},
        {"prompt": "x", "parameters": {"max_new_tokens": 0}},
        {"prompt": "x", "parameters": {"max_new_tokens": 1e9}},
        {"prompt": "x", "parameters": {"max_new_tokens": 1.5}},
        {"prompt": "x", "parameters": {"max_new_tokens": "8"}},
        {"prompt": "x", "parameters": {"max_new_tokens": True}},
        {"prompt": "x", "parameters": {"temperature": -1}},
        {"prompt": "x", "parameters": {"temperature": float("nan")}},
        {"prompt": "x", "parameters": {"top_p": 0}},
        {"prompt": "x", "parameters": {"seed": 2**40}},
        {"prompt": "x", "parameters": {"stop": ["a"]}},
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_before_anybody_is_asked(ask: Ask, document: Any) -> None:
    status, answer = ask("POST", "/api/ask", document)
    assert (status, answer["error"]["code"]) == (422, "bad_input")


def test_a_question_that_is_too_long_is_refused(ask: Ask, context: Context) -> None:
    long = "x" * (context.limits.prompt_characters + 1)
    assert ask("POST", "/api/ask", {"prompt": long})[0] == 413


@pytest.mark.parametrize("kind", FORMS)
def test_what_a_form_of_another_site_can_send_is_not_read(context: Context, kind: str) -> None:
    body = b'{"prompt": "x"}'
    request = Request(method="POST", path="/api/ask", headers={"content-type": kind}, body=body)
    assert handle(request, context).status == 422


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'"text"', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(ask: Ask, body: bytes) -> None:
    assert ask("POST", "/api/endpoint/wake", body=body)[0] == 422


@pytest.mark.parametrize("hours", [0, -1, 169, "3", None, True, float("inf")])
def test_an_endpoint_is_kept_for_a_week_at_most(ask: Ask, hours: Any) -> None:
    assert ask("POST", "/api/endpoint/keep", {"hours": hours})[0] == 422


@pytest.mark.parametrize("query", [{}, {"a": "one"}, {"a": "../one", "b": "two"}, {"a": "one", "b": "x/y"}])
def test_only_runs_are_compared(ask: Ask, query: dict[str, str]) -> None:
    assert ask("GET", "/api/compare", **query)[0] == 422


@pytest.mark.parametrize(
    "document",
    [
        {"dataset": "s3://other/datasets/x/"},
        {"dataset": "s3://storage-databucketname/datasets/../base-model/"},
        {"dataset": "s3://storage-databucketname/base-model/"},
        {"dataset": "s3://storage-databucketname/datasets/x/", "wake": "yes"},
        {"dataset": "s3://storage-databucketname/datasets/x/", "unjudged": 1},
        {"dataset": "s3://storage-databucketname/datasets/x/", "hyperparameters": {"epoch": "many"}},
        {"dataset": "s3://storage-databucketname/datasets/x/", "hyperparameters": {"epoch": [1]}},
        {"dataset": "s3://storage-databucketname/datasets/x/", "hyperparameters": "epoch=1"},
    ],
)
def test_a_run_that_cannot_be_started_is_refused(ask: Ask, document: Any) -> None:
    assert ask("POST", "/api/runs", document)[0] == 422


def packed(*files: tuple[str, bytes], **head: Any) -> bytes:
    """The body of an upload, as the page sends it."""
    entries = [{"name": name, "bytes": len(content)} for name, content in files]
    return json.dumps({"files": entries, **head}).encode() + b"\n" + b"".join(body for _, body in files)


@pytest.mark.parametrize("name", ["", "report.pdf", "report", "../../etc/passwd", ".txt/..", "memo.rtf"])
def test_only_files_that_can_be_trained_on_are_taken(ask: Ask, name: str) -> None:
    assert ask("POST", "/api/datasets", body=packed((name, b"text")))[0] == 422


def test_a_file_that_cannot_be_read_says_what_to_do_instead(ask: Ask) -> None:
    answer = ask("POST", "/api/datasets", body=packed(("board memo.rtf", b"text")))[1]["error"]
    assert answer["problems"] == ["board memo.rtf: .rtf cannot be read; save it as plain text"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"[]\n",
        b'{"files": []}\n',
        b'{"files": [{"name": "a.txt", "bytes": 3}]}\nlonger',
        b'{"files": [{"name": "a.txt", "bytes": 9}]}\nshort',
        b'{"files": [{"name": "a.txt", "bytes": -4}, {"name": "b.txt", "bytes": 8}]}\nfour',
        b'{"files": [{"name": "a.txt"}]}\n',
        b"[" * 90_000,
    ],
)
def test_an_upload_of_another_form_is_refused(ask: Ask, body: bytes) -> None:
    assert ask("POST", "/api/datasets", body=body)[0] == 422


def test_a_file_name_leads_nowhere_and_a_bad_file_is_not_stored(ask: Ask) -> None:
    status, answer = ask("POST", "/api/datasets", body=packed(("..\\..\\evil/../x.txt", b"\n \n")))
    assert status == 422  # storing it would have asked for a client, which there is none of
    assert answer["error"]["where"] == "evil/x.txt"
    assert answer["error"]["problems"]


def test_settings_that_cannot_be_used_are_refused_with_the_data(ask: Ask) -> None:
    body = packed(("a.txt", b"text"), hyperparameters={"epoch": "many"})
    answer = ask("POST", "/api/datasets", body=body)[1]["error"]
    assert "epoch" in answer["problems"][0]


def test_data_that_the_gate_cannot_judge_is_named_as_such(context: Context, tmp_path: Path) -> None:
    hyperparameters = context.deployment.settings.hyperparameters
    for documents, judged in ((10, False), (100, True)):
        file = tmp_path / f"{documents}.txt"
        file.write_text("\n\n".join(f"Revenue rose by {n} percent in spring." for n in range(documents)))
        reason = routes.datasets._unjudged(routes.datasets.datasets.check(file, hyperparameters))
        assert (reason == "") is judged
        assert judged or "needed" in reason


def test_a_run_is_renamed_under_its_id(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, str]] = []
    monkeypatch.setattr(routes.runs.executions, "describe", lambda deployment, run: {})
    rename = lambda deployment, run, name: given.append((run, name)) or name.strip()  # noqa: E731
    monkeypatch.setattr(routes.runs.names, "rename", rename)
    status, answer = ask("POST", "/api/runs/finexpert-1/name", {"name": " Calls "})
    renamed = {"run": "finexpert-1", "title": "Calls"}
    assert (status, answer, given) == (200, renamed, [("finexpert-1", " Calls ")])
    assert ask("POST", "/api/runs/finexpert-1/name", {"name": 7})[0] == 422


def test_at_the_limit_nothing_is_woken(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    over = type("Over", (), {"over": True, "spent_usd": 23.4, "limit_usd": 23.0})
    monkeypatch.setattr(costs, "current_position", lambda deployment, now: over)
    monkeypatch.setattr(switch, "begin_wake", lambda *_: pytest.fail("it was woken"))
    status, answer = ask("POST", "/api/endpoint/wake", {})
    assert (status, answer["error"]["code"]) == (409, "budget_reached")
    assert "$23.40" in answer["error"]["message"]


def test_a_benchmark_is_shown_where_one_was_made(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ask("GET", "/api/benchmark") == (200, {"benchmark": None})
    folder = tmp_path / "out" / "benchmark"
    folder.mkdir(parents=True)
    row = {"name": "tuned", "correct": 3, "wrong": 1, "refused": 0, "failed": 0, "usd": 0.0}
    result = {"contestants": [row], "pairs": [], "answers": [{}] * 4}
    (folder / "benchmark.json").write_text(json.dumps(result))
    answer = ask("GET", "/api/benchmark")[1]["benchmark"]
    assert answer["sentence"] == "tuned answers 3 of 4 questions correctly."
    (folder / "benchmark.json").write_text("{")
    assert ask("GET", "/api/benchmark") == (200, {"benchmark": None})


def test_only_an_upload_may_be_large(context: Context) -> None:
    assert most_bytes("POST", "/api/datasets", context) == context.limits.upload_bytes
    assert most_bytes("POST", "/api/ask", context) == context.limits.body_bytes < 200_000


def test_a_defect_is_logged_by_its_place_and_never_with_what_was_asked(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(*_: object, **__: object) -> None:
        raise KeyError("what the analyst asked")

    monkeypatch.setattr(routes.ask.switch, "models", lambda deployment: {"base": "a"})
    monkeypatch.setattr(routes.ask.inference, "ask", defect)
    with caplog.at_level(logging.DEBUG):
        status, answer = ask("POST", "/api/ask", {"prompt": "what the analyst asked"})
    assert (status, answer["error"]["code"]) == (500, "internal")
    (record,) = caplog.records
    assert "KeyError" in record.getMessage() and "test_routes.py" in record.getMessage()
    assert "analyst" not in caplog.text + str(answer)


def test_text_is_never_markup_even_for_who_takes_it_for_such() -> None:
    line = encoded({"text": "</script><img src=x onerror=alert(1)>"})
    assert b"<" not in line


def test_the_month_is_read_once_for_everybody(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(money, "_month", lambda context: read.append(1) or {})
    patient = Context(deployment=context.deployment, streams=True, compares=True)
    for _ in range(3):
        money.show(Request(method="GET", path="/api/money"), patient)
    assert read == [1]
