"""Runs judged on the same held-out documents are counted: of several tries one looks good by chance."""

from datetime import UTC, datetime
from typing import Any

import pytest

from finexpert.service.evaluation.results import judged_before, noted, report, several_tries
from finexpert.service.runs import executions

RUNS = [  # name, hour of its start, status, digest of its held-out documents
    ("newest", 5, "SUCCEEDED", "same"),
    ("this", 4, "SUCCEEDED", "same"),
    ("failed", 3, "FAILED", "same"),
    ("second", 2, "SUCCEEDED", "same"),
    ("other", 1, "SUCCEEDED", "another"),
    ("first", 0, "SUCCEEDED", "same"),
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
    entries = [
        {"name": name, "status": status, "startDate": datetime(2026, 1, 1, hour, tzinfo=UTC)}
        for name, hour, status, _ in RUNS
    ]
    monkeypatch.setattr(executions, "newest_entries", lambda deployment, limit: entries)
    stored = {name: of(each) for name, _, _, each in RUNS}
    monkeypatch.setattr(executions, "evaluation", lambda deployment, name: stored[name])
    assert judged_before(None, run, of(digest)) == count  # type: ignore[arg-type]


def test_an_earlier_run_without_an_evaluation_counts_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    entries = [
        {"name": "this", "status": "SUCCEEDED", "startDate": start.replace(hour=1)},
        {"name": "gone", "status": "SUCCEEDED", "startDate": start},
    ]
    monkeypatch.setattr(executions, "newest_entries", lambda deployment, limit: entries)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, name: None)
    assert judged_before(None, "this", of("same")) == 0  # type: ignore[arg-type]


def test_the_report_says_it_in_its_first_section(monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<main><section>verdict</section><section>rest</section></main>"
    entries = [
        {"name": name, "status": status, "startDate": datetime(2026, 1, 1, hour, tzinfo=UTC)}
        for name, hour, status, _ in RUNS
    ]
    monkeypatch.setattr(executions, "report", lambda deployment, run: page)
    monkeypatch.setattr(executions, "newest_entries", lambda deployment, limit: entries)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, run: of("same"))
    first, _, _ = report(None, "this").decode().partition("</section>")  # type: ignore[arg-type]
    assert "earlier runs were judged on the same held-out documents" in first
    assert report(None, "first") == page  # type: ignore[arg-type]
    assert noted(b"no section", "a < b").endswith(b"a &lt; b</p>")


def test_several_tries_are_said_in_a_sentence() -> None:
    assert several_tries(0) == ""
    assert several_tries(1).startswith("1 earlier run was judged")
    assert several_tries(3).startswith("3 earlier runs were judged")
