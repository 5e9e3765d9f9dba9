"""Grading answers, and findings that are right as often as they say."""

import json
import random
from pathlib import Path

import pytest

from bench.benchmark_findings import KINDS, Kind, simulated
from core.dataset.questions import Question, questions_of
from finexpert.service.benchmark import judging
from finexpert.service.benchmark.askers import Reply
from finexpert.service.benchmark.questions import Item
from tests.unit.finexpert.service.benchmark.benchmark_items import items
from training.evaluation.statistics import mcnemar


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("$1,250 million", "correct"),
        ("It was 1.25 billion dollars.", "correct"),
        ("Revenue was $1,250 thousand.", "wrong"),
        ("1,300 million", "wrong"),
        ("I cannot find this in the documents.", "refused"),
        ("", "refused"),
    ],
)
def test_an_answer_is_graded_by_what_it_says(answer: str, outcome: str) -> None:
    item = Item(Question("1", "f", "What was revenue?", ("1,250",), "million"), "g")
    assert judging.judge(item, Reply(answer)).outcome == outcome
    assert judging.judge(item, None).outcome == "failed"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("B", "correct"), ("(b) up", "correct"), ("up", "correct"), ("A", "wrong"), ("either", "refused")],
)
def test_a_choice_is_named_by_letter_or_wording(answer: str, outcome: str) -> None:
    item = Item(Question("1", "f", "Which way?", ("up",), choices=("down", "up"), right=1), "g")
    assert judging.judge(item, Reply(answer)).outcome == outcome


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (
            ["**B**", "Answer: B", "The correct answer is (B).", "Option B", "\\boxed{B}",
             "I would choose B.", "B, because sales grew", "B - sales rose", "Sales rose, so B.", '"B"',
             "B\n\nA is wrong."],
            "correct",
        ),
        (["The answer is D.", "Option C", "I'd go with A", "A, not B", "C) sales were flat"], "wrong"),
        (["A or B", "Both A and B", "I don't know", "Cannot be determined.", "-"], "refused"),
    ],
)  # fmt: skip
def test_a_choice_is_read_as_people_name_it(answers: list[str], outcome: str) -> None:
    choices = ("sales fell", "sales rose", "sales were flat", "not disclosed")
    item = Item(Question("1", "f", "What happened?", ("sales rose",), choices=choices, right=1), "g")
    outcomes = {answer: judging.judge(item, Reply(answer)).outcome for answer in answers}
    assert outcomes == dict.fromkeys(answers, outcome)


def test_answers_as_people_write_them_are_graded_as_a_person_would() -> None:
    """The file's questions have answers that are right, wrong or a refusal, each in several wordings."""
    lines = Path(__file__).with_name("written_answers.jsonl").read_text(encoding="utf-8").splitlines()
    differs, total = [], 0
    for number, record in enumerate(map(json.loads, lines), 1):
        (question,) = questions_of(record, source="written", number=number)
        for key, outcome in (("right", "correct"), ("wrong", "wrong"), ("refused", "refused")):
            total += len(record[key])
            differs += [
                (record["question"], answer, outcome)
                for answer in record[key]
                if judging.judge(Item(question, "g"), Reply(answer)).outcome != outcome
            ]
    assert total > 1600 and len(differs) <= 0.03 * total, differs


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("Revenue was $1,180 million in 2022 and $1,250 million in 2023.", "correct"),
        ("Revenue rose from $1,180 million to $1,250 million.", "correct"),
        ("**Answer:** $1,250 million", "correct"),
        ("Here is the figure:\n\n$1,250 million", "correct"),
        ("Revenue of $1,250 million, down 3%.", "correct"),
        ("17 or 18 million", "wrong"),
        ("$1,250 million or $1,180 million", "wrong"),
        ("not $1,250 million but $1,180 million", "wrong"),
    ],
)
def test_the_figure_that_is_given_is_found_among_others(answer: str, outcome: str) -> None:
    item = Item(Question("1", "f", "What was revenue in fiscal 2023?", ("1,250",), "million"), "g")
    assert judging.judge(item, Reply(answer)).outcome == outcome


@pytest.mark.parametrize("text", ["1 " * 50_000, "Sales rose from $1 to $2. " * 5_000, "not " * 50_000])
def test_an_answer_that_does_not_end_is_graded_by_its_beginning(text: str) -> None:
    item = Item(Question("1", "f", "What was revenue?", ("1,250",), "million"), "g")
    assert judging.judge(item, Reply(text)).outcome in ("wrong", "refused")
    assert judging.judge(item, Reply(f"$1,250 million. {text}")).outcome == "correct"


def test_known_values_of_the_statistics() -> None:
    assert mcnemar(5, 5) == 1.0 and mcnemar(10, 0) == pytest.approx(2 / 1024)
    assert judging.needed(0.0, 6, 10) is None
    assert judging.needed(0.02, 22, 100) == 4305, "(1.96 + 0.84)² × (0.22 − 0.0004) / 0.0004"
    interval, effect = judging.by_group([2, -2, 0, 4], [4, 4, 4, 4], 8)
    assert interval == pytest.approx((-0.777, 1.277), abs=0.005), "0.25 ± 3.182 × √(4/3 × 20) / 16"
    assert effect > 1 and judging.by_group([3], [5], 3)[0] == (-1.0, 1.0)


@pytest.mark.parametrize(("groups", "spread"), [(0, 0.0), (20, 0.2)])
def test_equal_contestants_are_called_different_rarely(groups: int, spread: float) -> None:
    draw = random.Random(7)
    wrongly = 0
    for _ in range(200):
        names = [f"g{n % groups}" if groups else f"g{n}" for n in range(80)]
        shift = {name: draw.uniform(-spread, spread) for name in set(names)}
        outcomes = [
            [
                judging.Judged("correct" if draw.random() < 0.6 + shift[name] else "wrong", "", "")
                for name in names
            ]
            for _ in range(2)
        ]
        asked = [Item(Question(str(n), "f", "?", ("1",)), name) for n, name in enumerate(names)]
        given = {name: [[each] for each in found] for name, found in zip("ab", outcomes, strict=True)}
        (pair,) = judging.pairs(asked, given)
        wrongly += pair["finding"] != "cannot tell"
    assert wrongly <= 16, "5 % of 200 is 10; more than 16 comes by chance once in thirty"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_scripted_contestants_get_the_findings_that_they_deserve(kind: Kind) -> None:
    found = simulated(kind, 60)
    assert found["without_a_wrong_finding"] >= 0.9, "95 % of 1,000 in bench/benchmark_findings.py"
    assert found["intervals_that_hold"] >= 0.9


def test_a_clear_difference_is_found_and_an_unclear_one_says_how_many_would_do() -> None:
    asked = items(60)
    right, wrong = [judging.Judged("correct", "", "")], [judging.Judged("wrong", "", "")]
    (pair,) = judging.pairs(asked, {"a": [right] * 60, "b": [right] * 30 + [wrong] * 30})
    assert (pair["finding"], pair["needed"]) == ("a better", None) and pair["interval"][0] > 0
    (pair,) = judging.pairs(asked, {"a": [right] * 32 + [wrong] * 28, "b": [right] * 30 + [wrong] * 30})
    assert pair["finding"] == "cannot tell" and pair["needed"] > 60
