"""Questions put to the live endpoint: new figures beside the run's own, and what it cannot say is named."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.dataset import Question
from finexpert.errors import UserError
from finexpert.service.asking.inference import Answer
from finexpert.service.evaluation import through_endpoint

TRAINING = Path(__file__).parents[5] / "training"
SCHEMA = json.loads((TRAINING / "evaluation" / "evaluation.schema.json").read_text())
QUESTIONS = tuple(
    Question(
        id=str(number),
        source="questions.jsonl",
        question=f"What was revenue in year {number}?",
        answers=(f"{number + 20} million",),
        context=f"Revenue in year {number} was {number + 20} million.",
    )
    for number in range(12)
)
CHOICE = Question("c", "questions.jsonl", "Up or down?", ("up",), choices=("up", "down"))
HELD_OUT = {"name": "held_out_bits_per_byte", "title": "Held-out text", "tuned": 2.2}
OF_RUN: dict[str, Any] = {
    "passed": True,
    "metrics": [HELD_OUT, {"name": "faithfulness", "tuned": 0.1}],
    "items": {"held_out_bits_per_byte": {"ids": ["a"]}, "faithfulness": {"ids": ["old"]}},
    "questions": [{"metric": "faithfulness", "id": "old"}, {"metric": "sentiment_accuracy", "id": "kept"}],
    "not_measured": [{"name": "own_exact_match", "reason": "the dataset has no such questions"}],
    "statistics": {"seed": 10},
}


def endpoint(prompt: str, new_tokens: int) -> Sequence[Answer]:
    """The tuned model reads the answer out of the context; the base makes one up, and both go on writing."""
    right = prompt.split(" was ")[1].split(" million")[0]
    assert new_tokens > 0
    return [
        Answer("base", prompt, " 999 million\nQuestion: and then?", 0.1),
        Answer("tuned", prompt, f" {right} million\nQuestion: and then?", 0.1),
    ]


def metric(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in document["metrics"] if each["name"] == name]
    return dict(found)


def test_the_new_figures_stand_where_the_runs_own_did() -> None:
    document = through_endpoint.measure(endpoint, QUESTIONS, OF_RUN)
    exact, faithful = metric(document, "own_exact_match"), metric(document, "faithfulness")
    assert (exact["base"], exact["tuned"], exact["items"], exact["finding"]) == (0, 1, 12, "better")
    assert (faithful["base"], faithful["tuned"]) == (0, 1)
    assert metric(document, "held_out_bits_per_byte") == HELD_OUT
    assert document["passed"] is True
    assert document["not_measured"] == []
    assert document["asked_again"]["metrics"] == ["faithfulness", "own_exact_match"]
    assert {question["id"] for question in document["questions"]} >= {"kept"}
    assert "old" not in document["items"]["faithfulness"]["ids"]
    for part in ("metrics", "items", "questions"):
        validator = jsonschema.Draft202012Validator(SCHEMA["properties"][part])
        mine = (
            [entry for entry in document[part] if entry not in OF_RUN[part]]
            if part != "items"
            else {name: document[part][name] for name in document["asked_again"]["metrics"]}
        )
        validator.validate(mine)


def test_what_is_not_measured_is_said_once() -> None:
    before = OF_RUN | {"not_measured": [{"name": "faithfulness", "reason": "the run had 3 questions"}]}

    def silent(prompt: str, new_tokens: int) -> Sequence[Answer]:
        return [Answer(model, prompt, "", 0.1) for model in ("base", "tuned")]

    free = tuple(replace(question, context="") for question in QUESTIONS)
    told = through_endpoint.measure(silent, free, before)["not_measured"]
    names = [entry["name"] for entry in told]
    assert names.count("faithfulness") == 1 and "the run had 3 questions" not in str(told)


def test_choices_are_said_not_to_be_measured() -> None:
    document = through_endpoint.measure(endpoint, (*QUESTIONS, CHOICE), OF_RUN)
    reasons = {entry["name"]: entry["reason"] for entry in document["not_measured"]}
    assert "likelihoods" in reasons["own_choice_accuracy"]
    with pytest.raises(UserError, match="None of these questions"):
        through_endpoint.measure(endpoint, (CHOICE,), OF_RUN)


@pytest.mark.parametrize(
    ("served", "said", "fix"),
    [("tuned", "no base model", "hosting to components"), ("base", "base model alone", "finexpert wake RUN")],
)
def test_an_endpoint_of_one_model_is_refused(served: str, said: str, fix: str) -> None:
    def alone(prompt: str, new_tokens: int) -> Sequence[Answer]:
        return [Answer(served, prompt, "21 million", 0.1)]

    with pytest.raises(UserError, match=said) as told:
        through_endpoint.measure(alone, QUESTIONS, OF_RUN)
    assert fix in told.value.fix


def test_no_training_library_is_loaded_for_it() -> None:
    code = (
        "import sys, finexpert.service.evaluation.through_endpoint;"
        "from training.evaluation import metrics, sections;"
        "print([name for name in ('torch', 'transformers', 'peft') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
