"""A dataset's own questions: read in their formats, refused with a reason, asked, and never trained on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.dataset import Question, Reader, check, local_sources
from core.dataset.questions import questions_of
from core.hyperparameters import parse
from tests.fakes.training_jobs import evaluated


def read(record: dict[str, Any]) -> list[Question]:
    return list(questions_of(record, source="questions.jsonl", number=7))


def test_the_short_form_needs_a_question_and_an_answer() -> None:
    context = "It was 12.5."
    (question,) = read({"question": "How much?", "answer": 12.5, "scale": "million", "context": context})
    assert question == Question("7", "questions.jsonl", "How much?", ("12.5",), "million", "It was 12.5.")
    table = [["", "2019"], ["a", 3]]
    (several,) = read({"id": "x", "question": "Which?", "answer": ["a", "", "b"], "table": table})
    assert (several.id, several.answers, several.context) == ("x", ("a", "b"), " | 2019\na | 3")


@pytest.mark.parametrize("answer", [1, "no"])
def test_choices_are_answered_by_position_or_text(answer: object) -> None:
    (question,) = read({"question": "Well?", "choices": ["yes", "no"], "answer": answer})
    assert (question.choices, question.right) == (("yes", "no"), 1)


def test_a_record_of_tatqa_is_read_as_it_is() -> None:
    record = {
        "table": {"uid": "t", "table": [["", "2019"], ["Revenue", "$12"]]},
        "paragraphs": [{"order": 2, "text": "Second."}, {"order": 1, "text": "First."}],
        "questions": [
            {"uid": "u", "question": "Revenue?", "answer": ["$12"], "scale": "million"},
            {"uid": "v", "question": "How many years?", "answer": "1", "scale": ""},
        ],
    }
    first, second = read(record)
    assert first.context == second.context == " | 2019\nRevenue | $12\nFirst.\nSecond."
    assert (first.id, first.answers, first.scale) == ("u", ("$12",), "million")
    assert (second.id, second.answers, second.scale) == ("v", ("1",), "")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"answer": "3"}, "`question`"),
        ({"question": "  ", "answer": "3"}, "`question`"),
        ({"question": "a"}, "`answer`"),
        ({"question": "a", "answer": {"b": 1}}, "`answer`"),
        ({"question": "a", "answer": "3", "scale": "millions"}, "`scale`"),
        ({"question": "a", "choices": ["x"], "answer": 0}, "`choices`"),
        ({"question": "a", "choices": ["x", "x"], "answer": 0}, "`choices`"),
        ({"question": "a", "choices": ["x", "y"], "answer": 2}, "position from 0"),
        ({"question": "a", "choices": ["x", "y"], "answer": True}, "position from 0"),
        ({"questions": ["what?"]}, "question 1"),
    ],
)
def test_what_cannot_be_asked_says_what_to_write(record: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(record)


def test_a_mistake_in_the_questions_shows_in_the_check(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\nfour")
    (tmp_path / "questions.jsonl").write_text('{"question": "a", "answer": 1}\n"bare"\n{"question": "b"}\n')
    report = check(local_sources(tmp_path), parse({}))
    places = [error.partition(":")[0] for error in report.errors]
    assert places == ["questions.jsonl, line 2", "questions.jsonl, line 3"]
    assert report.documents == 4


@pytest.mark.parametrize("folder", ["training", "validation"])
def test_questions_are_asked_and_never_trained_on(job: Callable[..., Path], folder: str) -> None:
    base = job(evaluation_items="-1", max_steps="1")
    place = base / "input" / "data" / folder
    place.mkdir(exist_ok=True)
    if folder == "validation":
        (place / "own.txt").write_text("\n".join(f"Held out text number {n}." for n in range(8)))
    asked = [{"question": f"What is {n}?", "answer": n, "context": f"It is {n}."} for n in range(3)]
    asked += [{"question": f"Is it {n}?", "choices": ["yes", "no"], "answer": "no"} for n in range(4)]
    (place / "questions.jsonl").write_text("\n".join(map(json.dumps, asked)))
    assert all("What is" not in document.text for document in Reader(local_sources(place)))
    evaluation = evaluated(base)
    metrics = {metric["name"]: metric for metric in evaluation["metrics"]}
    assert metrics["own_exact_match"]["items"] == 3
    assert metrics["own_choice_accuracy"]["items"] == 4
    assert evaluation["data"]["training_documents"] == (40 if folder == "validation" else 32)
    assert {document["source"] for document in evaluation["documents"]} <= {"reports.txt", "own.txt"}
