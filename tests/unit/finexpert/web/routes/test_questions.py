"""Own questions over the page's API: read from a file, kept, asked and graded."""

import json
from typing import Any

import pytest

from finexpert.service.asking import inference
from finexpert.service.asking.inference import Answer
from finexpert.service.evaluation import own_questions, results
from tests.unit.finexpert.web.web_app import Ask

FIRST = {"question": "What was revenue in 2025?", "answer": "$4.2 million"}
OWN = [FIRST, {"question": "Margin?", "answer": "12%"}]


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
    status, answer = ask("POST", "/api/questions/read", body=content.encode(), name=name)
    assert (status, answer) == (200, {"questions": OWN})


@pytest.mark.parametrize("content", ["", "[1]", '{"question": "x"}', "\xff"])
def test_a_file_without_questions_says_what_to_write(ask: Ask, content: str) -> None:
    status, answer = ask("POST", "/api/questions/read", body=content.encode("latin-1"), name="q.jsonl")
    assert (status, answer["error"]["code"]) == (409, "failed")
    assert "columns question and answer" in answer["error"]["fix"]


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
    status, answer = ask("POST", "/api/questions/ask", {"question": OWN[0]})
    assert (status, [each["outcome"] == "right" for each in answer["answers"]]) == (200, [False, True])
    assert asked == ["Question: What was revenue in 2025?\nAnswer:"]
    assert answer["answers"][0]["text"] == "I cannot say."


def test_other_right_answers_are_kept_and_count(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    question = {"question": "Who audits?", "answer": "PwC", "accepted": [["PricewaterhouseCoopers"]]}
    assert ask("POST", "/api/questions", {"questions": [question]}) == (200, {"questions": [question]})
    given = [Answer("tuned", "Who audits?", "PricewaterhouseCoopers", 0.1)]
    monkeypatch.setattr(inference, "ask", lambda *_: given)
    _, answer = ask("POST", "/api/questions/ask", {"question": question})
    assert answer["answers"][0]["outcome"] == "right"


def test_a_dataset_takes_them_along_as_they_are() -> None:
    lines = own_questions.as_file(OWN).decode().splitlines()
    assert [json.loads(line) for line in lines] == OWN


def test_before_and_after_are_counted_as_the_report_counts_them() -> None:
    questions = [
        {"metric": f"own_{kind}", "id": str(n), "question": f"Q{n}", "right": "A", "base": "x", "tuned": "A"}
        for n, kind in enumerate(("exact_match", "exact_match", "choice_accuracy"))
    ]
    items = {
        "own_exact_match": {"ids": ["0", "1"], "base": [0.0, 1.0], "tuned": [1.0, 1.0]},
        "own_choice_accuracy": {"ids": ["2"], "base": [0.0], "tuned": [0.0]},
    }
    counted = results.own_questions(
        {"items": items, "questions": [*questions, {"metric": "other", "id": "9"}]}
    )
    assert counted is not None
    assert (counted["asked"], counted["base"], counted["tuned"]) == (3, 1, 2)
    rows = [(row["base_right"], row["tuned_right"]) for row in counted["questions"]]
    assert rows == [(False, True), (True, True), (False, False)]
    assert results.own_questions({"items": {}, "questions": []}) is None
