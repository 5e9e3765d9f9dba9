"""Figures and examples of the docs are what the code gives."""

import json
from typing import Any

import pytest
import yaml

from finexpert.service.runs import datasets
from infra.settings import Settings
from tests.unit.docs.docs_pages import ROOT
from tools import cost_tables


def test_the_cost_tables_are_what_admission_and_expectation_say() -> None:
    stored = cost_tables.PAGE.read_text(encoding="utf-8")
    assert cost_tables.page(stored) == stored, "make them anew: python -m tools.cost_tables"
    assert stored.count("<!-- costs:") == len(cost_tables.TABLES)


def test_another_price_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = cost_tables.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(cost_tables, "AWAKE_HOURS", (2, 8, 24))
    assert cost_tables.page(stored) != stored


@pytest.mark.parametrize("domain", ["medical", "it"])
def test_the_example_of_a_domain_can_be_trained_on_and_asked(domain: Any) -> None:
    folder = ROOT / "docs" / "examples" / domain
    report = datasets.check(folder, Settings.load({}, {}).hyperparameters)
    assert report.ok
    assert report.documents == 30
    questions = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    assert len(questions) == len({question["id"] for question in questions}) == 6
    text = next(folder.glob("*.txt")).read_text(encoding="utf-8")
    for question in questions:
        if "context" in question:
            assert question["context"].rstrip(".") in text


@pytest.mark.parametrize(
    ("example", "setting", "documents"),
    [("instructions", "instruction_tuned", 12), ("dialogs", "chat_dataset", 6)],
)
def test_the_examples_of_other_forms_are_read_whole(example: Any, setting: Any, documents: Any) -> None:
    settings = Settings.load({"hyperparameters": json.dumps({setting: "True"})}, {})
    report = datasets.check(ROOT / "docs" / "examples" / example, settings.hyperparameters)
    assert report.ok
    assert report.documents == documents


def test_the_citation_is_one() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation.keys() >= {"cff-version", "message", "title", "authors"}
    assert citation["cff-version"] == "1.2.0"
    assert all(author.keys() == {"name"} for author in citation["authors"])
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{citation["version"]}"' in project
    assert f'license = "{citation["license"]}"' in project
    assert citation["license"] in (ROOT / "LICENSE").read_text(encoding="utf-8")
