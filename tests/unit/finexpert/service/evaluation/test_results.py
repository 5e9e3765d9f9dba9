"""Runs judged on the same held-out documents are counted: of several tries one looks good by chance."""

from datetime import UTC, datetime
from typing import Any

import pytest

from finexpert.errors import NotFound
from finexpert.service.evaluation import results
from finexpert.service.evaluation.results import judged_before, noted, report, several_tries
from finexpert.service.runs import executions, names
from training.report import summary

RUNS = [  # name, hour of its start, status, digest of its held-out documents
    ("newest", 5, "SUCCEEDED", "same"),
    ("this", 4, "SUCCEEDED", "same"),
    ("failed", 3, "FAILED", "same"),
    ("second", 2, "SUCCEEDED", "same"),
    ("other", 1, "SUCCEEDED", "another"),
    ("first", 0, "SUCCEEDED", "same"),
]
LISTED = [
    {"name": name, "status": status, "startDate": datetime(2026, 1, 1, hour, tzinfo=UTC)}
    for name, hour, status, _ in RUNS
]


def of(digest: str | None) -> dict[str, Any]:
    return {"data": {} if digest is None else {"held_out_sha256": digest}}


@pytest.mark.parametrize(
    ("run", "digest", "count"),
    [
        ("this", "same", 2),
        ("newest", "same", 3),
        ("first", "same", 0),
        ("other", "another", 0),
        ("this", None, 0),
    ],
)
def test_earlier_runs_on_the_same_held_out_documents_are_counted(
    monkeypatch: pytest.MonkeyPatch, run: str, digest: str | None, count: int
) -> None:
    monkeypatch.setattr(executions, "newest_entries", lambda deployment, limit: LISTED)
    stored = {name: of(each) for name, _, _, each in RUNS}
    monkeypatch.setattr(executions, "evaluation", lambda deployment, name: stored[name])
    assert judged_before(None, run, of(digest)) == count  # type: ignore[arg-type]


def test_a_report_and_an_evaluation_carry_the_name_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation: dict[str, Any] = {
        "schema_version": 3,
        "passed": True,
        "verdict": "It is better.",
        "run": {"id": "r-1", "name": "First try", "date": "2026-11-29T10:00:00+00:00"},
        "data": {"training_documents": 12},
        "cost": {"usd": 0.2},
        "questions": [],
        "samples": [],
    }
    page = f"<title>{summary.title(evaluation)}</title>{summary.summary(evaluation)}"
    monkeypatch.setattr(names, "read", lambda deployment: {"r-1": "Q3 <wording>"})
    monkeypatch.setattr(names, "resolve", lambda deployment, given: given)
    monkeypatch.setattr(executions, "artifact", lambda deployment, run, name: page.encode())
    monkeypatch.setattr(executions, "describe", lambda deployment, run: {})
    monkeypatch.setattr(executions, "evaluation", lambda deployment, run: evaluation)
    deployment: Any = None
    shown = executions.report(deployment, "r-1").decode()
    assert '<h1 id="name">Q3 &lt;wording&gt;</h1>' in shown and "First try" not in shown
    assert "<title>2026-11-29 Q3 &lt;wording&gt;: accepted</title>" in shown and "run r-1" in shown
    assert executions.report(deployment, "r-2").decode().count("First try") == 2
    assert results.of_run(deployment, "r-1")["run"]["name"] == "Q3 <wording>"


def test_an_earlier_run_without_an_evaluation_counts_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "newest_entries", lambda deployment, limit: LISTED)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, name: None)
    assert judged_before(None, "this", of("same")) == 0  # type: ignore[arg-type]


def test_the_report_says_it_in_its_first_section(monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<main><section>verdict</section><section>rest</section></main>"
    monkeypatch.setattr(executions, "report", lambda deployment, run: page)
    monkeypatch.setattr(executions, "newest_entries", lambda deployment, limit: LISTED)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, run: of("same"))
    first, _, _ = report(None, "this").decode().partition("</section>")  # type: ignore[arg-type]
    assert "earlier runs were judged on the same held-out documents" in first
    assert report(None, "first") == page  # type: ignore[arg-type]
    assert noted(b"no section", "a < b").endswith(b"a &lt; b</p>")


def test_several_tries_are_said_in_a_sentence() -> None:
    assert several_tries(0) == ""
    assert several_tries(1).startswith("1 earlier run was judged")
    assert several_tries(3).startswith("3 earlier runs were judged")


def test_a_run_that_step_functions_has_forgotten_can_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgotten(deployment: Any, run: str) -> Any:
        raise NotFound(f"There is no run {run}.")

    kept: dict[str, Any] = {"schema_version": 3, "passed": True}
    monkeypatch.setattr(names, "resolve", lambda deployment, given: given)
    monkeypatch.setattr(names, "read", lambda deployment: {})
    monkeypatch.setattr(executions, "describe", forgotten)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, run: kept if run == "old" else None)
    deployment: Any = None
    assert results.of_run(deployment, "old") == kept
    with pytest.raises(NotFound, match="There is no run other"):
        results.of_run(deployment, "other")
