"""Asking and searching documents, and exercises made of them."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.unanswerable import unanswerable
from core.documents import answering, calculation, store
from core.documents import search as searching
from core.documents.search import Corpus
from finexpert.service.documents import exercises
from tests.fakes import filings


def ask(corpus: Corpus, question: str, **more: Any) -> answering.Answer:
    return answering.answer(corpus, corpus.understand(question), **more)


@pytest.mark.parametrize(
    ("question", "value", "unit"),
    [
        ("What was Borealis Pumps' revenue in fiscal 2024?", 1_250_000_000, "USD"),
        ("BORP net sales FY23", 1_000_000_000, "USD"),
        ("How much revenue did Borealis make last year?", 1_250_000_000, "USD"),
        ("What were Borealis Pumps, Inc.'s total assets as of January 31, 2025?", 2_400_000_000, "USD"),
        ("What was Borealis's Nordic segment net sales in 2024?", 310_000_000, "USD"),
        ("What was the diluted EPS of Borealis in 2024?", Decimal("2.05"), "USD/share"),
        ("Cascadia Rail revenue in the third quarter of 2023", 40_100_000, "USD"),
        ("What was Cascadia's net income for the nine months ended September 30, 2023?", 14_700_000, "USD"),
        ("What was the growth rate of Borealis net sales from 2023 to 2024?", 25, "%"),
        ("What was the change in Borealis net sales from 2023 to 2024?", 250_000_000, "USD"),
        ("Borealis gross margin percentage in 2024", 36, "%"),
        ("Borealis cost of sales as a percentage of net sales in 2023", 70, "%"),
    ],
)
def test_a_figure_is_answered_exactly_and_cited(corpus: Corpus, question: str, value: Any, unit: str) -> None:
    given = ask(corpus, question)
    assert (given.refused, given.method, given.value, given.unit) == (False, "fact", value, unit)
    assert given.citations
    for citation in given.citations:
        number = next(n for n, (name, _) in corpus.covers.items() if name == citation.document)
        page = store.page_text(corpus.connection, number, citation.page)
        assert page[slice(*citation.span)] == citation.text
    cited = [citation.text for citation in given.citations]
    checked, struck = answering.verified(
        given.answer.split(" (")[0], cited, computed=[given.value or Decimal(0)], question=question
    )
    assert not struck, checked


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What was Acme's revenue in 2024?", "No document is about Acme"),
        ("what were nestlé's net sales in 2024?", "No document is about nestlé"),
        ("What were Électricité's net sales in 2024?", "No document is about Électricité"),
        ("What was Borealis revenue in 2010?", "not for fiscal 2010"),
        ("What was Borealis revenue?", "Which time is meant"),
        ("What was Borealis' Antarctic segment net sales in 2024?", "No figure of that name"),
        ("How many submarines does Borealis own?", "No figure"),
        ("Who is the chief executive of Cascadia?", "Nothing that answers this"),
        ("What was Borealis's goodwill impairment in 2024?", "No figure"),
    ],
)
def test_what_is_not_there_is_refused_with_a_reason(corpus: Corpus, question: str, reason: str) -> None:
    given = ask(corpus, question)
    assert given.refused and given.value is None and not given.answer
    assert reason in given.reason


def test_a_sentence_is_quoted_word_for_word(corpus: Corpus) -> None:
    given = ask(corpus, "How many full-time employees did Borealis have in 2025?")
    assert given.method == "extract" and "1,240 full-time employees" in given.answer
    assert " ".join(given.citations[0].text.split()) == given.answer


@pytest.mark.parametrize(
    "question",
    [
        "What was Cascadia's headcount in the nine months ended September 30, 2023?",
        "How many full-time employees did Borealis have in 2019?",
        "How many full-time employees did Borealis have on June 30, 2025?",
        "How many full-time employees did Borealis have in the balance sheet of January 31, 2025?",
    ],
)
def test_a_sentence_of_another_time_or_place_answers_no_figure(corpus: Corpus, question: str) -> None:
    assert ask(corpus, question).refused


def test_an_instruction_inside_a_document_changes_nothing(corpus: Corpus) -> None:
    given = ask(corpus, "What was Borealis revenue in fiscal 2024?")
    assert given.value == 1_250_000_000 and "999" not in given.answer


def test_two_companies_and_two_years_are_answered_together(corpus: Corpus) -> None:
    given = ask(corpus, "Was Borealis revenue in 2023 higher than in 2024?")
    assert given.value == 1_250_000_000 and len(given.citations) == 2
    part = ask(corpus, "Compare the revenue of Borealis and Cascadia in fiscal 2024")
    assert part.refused and "Not found: Cascadia Rail Corporation" in part.reason


def test_a_models_figures_are_struck_where_no_passage_holds_them(corpus: Corpus) -> None:
    def invents(question: str, passages: Any) -> str:
        assert "1,240" in " ".join(each.text for each in passages)
        return "Borealis has 1,240 people in seven countries and 55 plants; calc(1240 / 8) is 155 a country."

    given = ask(corpus, "Describe the workforce of Borealis Pumps full-time", generate=invents)
    assert given.method == "generate" and "1,240" in given.answer and "155" in given.answer
    assert "55 plants" not in given.answer and "1 of its figures" in given.reason
    assert given.calculation == "1240 / 8 = 155"


def test_a_model_that_finds_nothing_refuses(corpus: Corpus) -> None:
    nothing = "Not found in the passages."
    given = ask(corpus, "Describe the dividend plans of Borealis", generate=lambda *_: nothing)
    assert given.refused


SUMS = {
    "2 + 3 * 4": 14,
    "(2 + 3) * 4": 20,
    "-1 / 8": Decimal("-0.125"),
    "1 / 0": None,
    "2 +": None,
    "2 ** 3": None,
}


@pytest.mark.parametrize(("expression", "value"), SUMS.items())
def test_sums_are_worked_out_exactly_or_not_at_all(expression: str, value: Any) -> None:
    assert calculation.evaluate(expression) == value


def test_the_filter_is_understood_shown_and_can_be_set(corpus: Corpus) -> None:
    asked = corpus.understand("What was BORP's capex in Q2 FY24 in the 10-K?")
    assert asked.filter.as_json() == {
        "company": ["Borealis Pumps, Inc."],
        "fiscal_year": [2024],
        "fiscal_period": ["Q2"],
        "form": ["10-K"],
        "date": [],
        "not_indexed": [],
    }
    given = corpus.understand("revenue", {"company": "Cascadia Rail Corporation", "fiscal_year": 2023})
    assert {each.document for each in searching.search(corpus, given)} == {"cascadia.pdf"}


def test_other_names_find_the_page(corpus: Corpus) -> None:
    found = searching.search(corpus, corpus.understand("Cascadia Rail turnover Q3 2023"), top=1)
    assert [(each.document, each.page, each.kind) for each in found] == [("cascadia.pdf", 2, "table")]
    assert "Three Months Ended" in found[0].text, "a table keeps its headings"


def test_without_full_text_the_same_page_is_found(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "has_full_text", lambda: False)
    found = searching.search(corpus, corpus.understand("full-time employees of Borealis"), top=1)
    assert [(each.document, each.page) for each in found] == [("borealis-10k.html", 1)]


def test_an_index_made_without_full_text_search_is_searched_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(store, "has_full_text", lambda: False)
        made = filings.shelf(tmp_path)
    with store.opened(made) as connection:
        tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master")}
        assert "words" not in tables
        plain = Corpus.of(connection)
        found = searching.search(plain, plain.understand("full-time employees of Borealis"), top=1)
        assert [(each.document, each.page) for each in found] == [("borealis-10k.html", 1)]
        assert ask(plain, "What were Borealis's net sales in fiscal 2024?").value == 1_250_000_000


def test_nearly_nothing_that_is_not_there_is_answered(corpus: Corpus) -> None:
    by_kind = unanswerable(corpus, most=200)
    assert all(by_kind.values())
    asked = [question for questions in by_kind.values() for question in questions]
    answered = [question for question in asked if not ask(corpus, question).refused]
    assert len(asked) > 60 and len(answered) <= 0.05 * len(asked), answered


def test_exercises_are_answered_right_and_sides_keep_documents_apart(corpus: Corpus, tmp_path: Path) -> None:
    made = exercises.questions_of(corpus, None, most=20)
    result = exercises.evaluate(corpus, made)
    assert result["right"] >= 0.8 * len(made) and result["wrong"] == 0
    counts = exercises.training_set(corpus, tmp_path, most=20)
    assert counts["train"] and counts["validation"]
    for side, records in ((s, (tmp_path / s / "documents.jsonl").read_text().splitlines()) for s in counts):
        assert len(records) == counts[side]
        assert set(json.loads(records[0])) == {"prompt", "completion"}
    train, held_out = ((tmp_path / s / "documents.jsonl").read_text() for s in ("train", "validation"))
    both = {"Borealis", "Cascadia"}
    assert not (both & set(train.split())) & (both & set(held_out.split()))


def test_a_question_that_cannot_be_answered_is_right_to_refuse(corpus: Corpus) -> None:
    entries = [{"question": "What was Acme's revenue in 2024?", "answerable": False}]
    assert exercises.evaluate(corpus, entries)["rightly_refused"] == 1
