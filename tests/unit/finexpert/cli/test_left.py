"""Watching that may be left, the log of a run, and answers of a run side by side."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from core.names import Names
from finexpert.cli import main as cli
from finexpert.cli.commands import compare
from finexpert.errors import ExitCode, UserError
from finexpert.service.runs import executions, logs
from finexpert.views.display import may_be_left
from tests.fakes.deployment import deployment
from tests.fakes.evaluations import compared

RUN = "finexpert-20260131-142536-9f3a"
OTHER = "finexpert-20260131-142536-0000"


def test_ctrl_c_leaves_what_is_watched_and_says_how_to_come_back() -> None:
    with pytest.raises(UserError) as left, may_be_left("the run", where=RUN, fix="come back"):
        raise KeyboardInterrupt
    assert left.value.code is ExitCode.INTERRUPTED
    assert (left.value.what, left.value.fix) == ("Stopped watching; the run goes on.", "come back")


def test_a_log_is_followed_to_the_end_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    written, states = iter([["a"], [], ["b", "c"]]), iter(["RUNNING", "RUNNING", "SUCCEEDED"])
    waited: list[float] = []
    monkeypatch.setattr(executions, "describe", lambda deployment, run: {"status": next(states)})
    monkeypatch.setattr(logs.StreamReader, "new_lines", lambda reader, prefix: next(written))
    followed = executions.log_lines(deployment(local=False), RUN, follow=True, sleep=waited.append)
    assert list(followed) == ["a", "b", "c"]
    assert waited == [5.0, 5.0]


def test_a_log_that_is_not_followed_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "describe", lambda deployment, run: {"status": "RUNNING"})
    monkeypatch.setattr(logs.StreamReader, "new_lines", lambda reader, prefix: [prefix])
    assert list(executions.log_lines(deployment(), RUN, follow=False)) == [RUN]


@pytest.fixture
def evaluation(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    document = {
        "passed": True,
        "primary": compared(3.0, 2.0, [-1.2, -0.8]),
        "verdict": "It is better [by far].",
        "samples": [
            {
                "prompt": "The results",
                "base": {"greedy": "base likely", "sampled": "base by chance"},
                "tuned": {"greedy": "tuned likely", "sampled": "tuned by chance"},
            }
        ],
    }
    there = SimpleNamespace(names=Names(project="FinExpert", region="us-east-1"))
    monkeypatch.setattr(compare, "open_deployment", lambda context: there)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, run: document if run == RUN else None)
    monkeypatch.setattr(executions, "describe", lambda deployment, run: {"status": "FAILED"})
    return document


def test_a_runs_answers_stand_side_by_side_with_its_figures(evaluation: dict[str, Any]) -> None:
    shown = CliRunner().invoke(cli.app, ["compare", RUN]).output
    assert "base likely" in shown and "tuned likely" in shown and "by chance" not in shown
    assert "3.000 → 2.000" in shown and "It is better [by far]." in shown
    assert "tuned by chance" in CliRunner().invoke(cli.app, ["compare", RUN, "--sampled"]).output


def test_a_runs_answers_for_programs(evaluation: dict[str, Any]) -> None:
    document = json.loads(CliRunner().invoke(cli.app, ["compare", RUN, "--json"]).output)
    assert document["answers"] == [{"prompt": "The results", "base": "base likely", "tuned": "tuned likely"}]
    assert document["primary"] == evaluation["primary"]


def test_a_run_without_an_evaluation_has_nothing_to_compare(evaluation: dict[str, Any]) -> None:
    error = CliRunner().invoke(cli.app, ["compare", OTHER]).exception
    assert isinstance(error, UserError)
    assert error.fix.endswith(f"finexpert runs show {OTHER}")
