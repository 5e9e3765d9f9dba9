"""Own questions over the page's API: read from a file, kept, asked and graded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from finexpert.service.asking import inference
from finexpert.service.asking.inference import Answer
from finexpert.service.evaluation import own_questions, results
from tests.unit.finexpert.web.web_app import Ask

OWN = [
    {"question": "What was revenue in 2025?", "answer": "$4.2 million"},
    {"question": "Margin?", "answer": "12%"},
]


def test_they_are_kept_and_come_back(ask: Ask) -> None:
    assert ask("GET", "/api/questions") == (200, {"questions": []})
    assert ask("POST", "/api/questions", {"questions": OWN}) == (200, {"questions": OWN})
    assert ask("GET", "/api/questions") == (200, {"questions": OWN})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.csv", "Question,Answer\n" + "".join(f"{q['question']},{q['answer']}\n" for q in OWN)),
        ("q.csv", "question;answer\n" + "".join(f"{q['question']};{q['answer']}\n" for q in OWN)),
        ("ten questions.jsonl", "".join(json.dumps(q) + "\n" for q in OWN)),
        ("q.json", json.dumps(OWN)),
    ],
)
def test_a_file_of_them_is_read_in_each_form(ask: Ask, name: str, content: str) -> None:
    status, told = ask("POST", "/api/questions/read", body=content.encode(), name=name)
    assert (status, told) == (200, {"questions": OWN})


@pytest.mark.parametrize("content", ["", "[1]", '{"question": "x"}', "\xff"])
def test_a_file_without_questions_says_what_to_write(ask: Ask, content: str) -> None:
    status, told = ask("POST", "/api/questions/read", body=content.encode("latin-1"), name="q.jsonl")
    assert (status, told["error"]["code"]) == (409, "failed")
    assert "columns question and answer" in told["error"]["fix"]


@pytest.mark.parametrize(
    "broken", [None, [{}], [{"question": "x"}], [OWN[0]] * 201, ["x"], [{"question": "x" * 9000}]]
)
def test_what_cannot_be_graded_is_not_kept(ask: Ask, broken: Any) -> None:
    ask("POST", "/api/questions", {"questions": OWN})
    assert ask("POST", "/api/questions", {"questions": broken})[0] in (409, 422)
    assert ask("GET", "/api/questions")[1] == {"questions": OWN}


def test_each_models_answer_is_graded(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answering(deployment: object, prompt: str, parameters: object) -> list[Answer]:
        asked.append(prompt)
        return [
            Answer("base", prompt, " I cannot say.\nmore", 0.1),
            Answer("tuned", prompt, "Revenue was 4.2 million dollars.", 0.1),
        ]

    monkeypatch.setattr(inference, "ask", answering)
    status, told = ask("POST", "/api/questions/ask", {"question": OWN[0]})
    assert (status, [each["outcome"] == "right" for each in told["answers"]]) == (200, [False, True])
    assert asked == ["Question: What was revenue in 2025?\nAnswer:"]
    assert told["answers"][0]["text"] == "I cannot say."


def test_a_dataset_takes_them_along_as_they_are() -> None:
    lines = own_questions.as_file(OWN).decode().splitlines()
    assert [json.loads(line) for line in lines] == OWN


def test_before_and_after_are_counted_over_both_kinds_of_own_questions() -> None:
    metrics = [
        {"name": "own_exact_match", "base": 0.125, "tuned": 0.75, "items": 8},
        {"name": "own_choice_accuracy", "base": 0.5, "tuned": 0.5, "items": 2},
        {"name": "held_out_bits_per_byte", "base": 2.0, "tuned": 1.0, "items": 30},
    ]
    question = {
        "metric": "own_exact_match",
        "id": "1",
        "question": "Q",
        "right": "A",
        "base": "x",
        "tuned": "A",
    }
    told = results.own_questions({"metrics": metrics, "questions": [question, {"metric": "other"}]})
    assert told is not None
    assert (told["asked"], told["base"], told["tuned"], len(told["questions"])) == (10, 2, 7, 1)
    assert results.own_questions({"metrics": metrics[2:]}) is None
