"""Measures how often grading is wrong: `python -m bench.answers --reports FILE`.

FILE is TAT-QA's development set (github.com/NExTplusplus/TAT-QA, dataset_raw/tatqa_dataset_dev.json). Each
right answer is written in the ways that people write, and in ways that say something else;
`training.evaluation.answers.grade` should accept all of the first and none of the second. A figure behind a
right answer may be its reason ("36%, 17 of 47"), so it makes no wrong wording. Results:
bench/results/answers.json.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import common
from core.dataset import Question
from core.dataset.questions import questions_of
from training.evaluation.answers import grade_of
from training.evaluation.figures import quantities

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SMALLER = {"billion": ("million", 1000), "million": ("thousand", 1000), "thousand": ("", 1000)}
#: Where a question asks for a decrease, "a decrease of" is no other direction.
_DOWN = re.compile(r"fall|fell|decreas|declin|drop|loss|less|lower|below|allowance", re.IGNORECASE)
_CHANGE = re.compile(r"change|increase", re.IGNORECASE)
Wording = tuple[str, str]


def number_of(question: Question) -> float | None:
    """The figure of a question that is answered with one, else None."""
    if len(question.answers) != 1:
        return None
    text = question.answers[0].replace(",", "").lstrip("$£€").rstrip("%")
    text = f"-{text[1:-1]}" if text.startswith("(") and text.endswith(")") else text
    try:
        return float(text)
    except ValueError:
        return None


def written(value: float) -> str:
    """A number with thousands separators and no more decimals than it has."""
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return text if text not in ("", "-0") else "0"


def unit_of(scale: str) -> str:
    """A scale as it is written behind a figure."""
    return "%" if scale == "percent" else f" {scale}" if scale else ""


def right_numbers(value: float, scale: str) -> Iterator[Wording]:
    """(name, text) of ways to write a figure in its scale."""
    unit = unit_of(scale)
    figure = written(value)
    whole = f"{figure}{unit}"
    yield "as it is", whole
    yield "sentence", f"It was {whole}."
    yield "about", f"approximately {whole}"
    yield "with a reason", f"{whole}, as the table shows"
    yield "without commas", f"{value:.4f}".rstrip("0").rstrip(".") + unit
    yield "calculation", f"the difference is 7 - 3 = {whole}"
    yield "answer first", f"Answer: {whole}"
    if scale != "percent":
        yield "without its scale", figure
    if scale == "percent":
        yield "in words", f"{figure} percent"
    if scale in SMALLER:
        smaller, factor = SMALLER[scale]
        yield "in the smaller scale", f"{written(value * factor)} {smaller}".strip()
    if value < 0:
        yield "decrease", f"a decrease of {written(-value)}{unit}"
        yield "in brackets", f"({written(-value)}){unit}"
        yield "fell by", f"It fell by {written(-value)}{unit}"
    if not scale and value == int(value) and 0 <= value <= 10:
        yield "number word", WORDS[int(value)]
        yield "number word in a sentence", f"There were {WORDS[int(value)]}."


def wrong_numbers(value: float, scale: str, question: str) -> Iterator[Wording]:
    """(name, text) of figures that are another one."""
    unit = unit_of(scale)
    yield "a tenth more", f"{written(value * 1.1 + 1)}{unit}"
    yield "next", f"{written(value + (1 if abs(value) < 1000 else abs(value) * 0.01))}{unit}"
    yield "half", f"{written(value / 2 - 3)}{unit}"
    if value < 0:
        yield "other direction", f"{written(-value)}{unit}"
    elif value and (_CHANGE.search(question) or not _DOWN.search(question)):
        yield "other direction", f"a decrease of {written(value)}{unit}"
    if scale in SMALLER and value:
        yield "other scale", f"{written(value)} {'million' if scale == 'thousand' else 'thousand'}"
    yield "declined", "The text does not say."


def right_texts(answers: tuple[str, ...]) -> Iterator[Wording]:
    """(name, text) of ways to write one or several spans."""
    yield "as it is", ", ".join(answers)
    yield "with and", " and ".join(answers)
    yield "turned round", "; ".join(reversed(answers))
    yield "lower case", ", ".join(answers).lower()
    yield "full stop", ", ".join(answers) + "."
    yield "quoted", '"' + ", ".join(answers) + '"'
    yield "sentence", f"The answer is {', '.join(answers)}"
    yield "as well as", " as well as ".join(answers)


def wrong_texts(answers: tuple[str, ...], others: list[str]) -> Iterator[Wording]:
    """(name, text) of spans that are others, fewer or more."""
    for other in others[:2]:
        yield "another answer", other
        if not quantities(other) and not any(map(quantities, answers)):
            yield "one too many", ", ".join([*answers, other])
    if len(answers) > 1:
        yield "one missing", ", ".join(answers[:-1])
    yield "denied", f"not {', '.join(answers)}"
    yield "declined", "The text does not say."


def wordings(question: Question, others: list[str]) -> Iterator[tuple[bool, str, str]]:
    """(right, name, text) of all ways."""
    value = number_of(question)
    if value is not None:
        yield from ((True, *each) for each in right_numbers(value, question.scale))
        yield from ((False, *each) for each in wrong_numbers(value, question.scale, question.question))
    elif not any(quantities(answer) for answer in question.answers) or len(question.answers) == 1:
        yield from ((True, *each) for each in right_texts(question.answers))
        yield from ((False, *each) for each in wrong_texts(question.answers, others))
    else:
        figures = question.answers
        yield True, "list", ", ".join(figures)
        yield True, "list with and", " and ".join(figures)
        yield True, "list with scales", ", ".join(figure + unit_of(question.scale) for figure in figures)
        yield False, "list without its last", ", ".join(figures[:-1]) or "7"


def agreement(questions: list[Question]) -> dict[str, Any]:
    """Shares accepted of right and of wrong wordings, with those of each kind that were not as wished."""
    asked: Counter[bool] = Counter()
    accepted: Counter[bool] = Counter()
    wrong: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for place, question in enumerate(questions):
        same = [q for q in questions[max(place - 6, 0) : place + 7] if q.context == question.context]
        others = [
            other.answers[0]
            for other in same
            if other is not question
            and len(other.answers) == 1
            and not any(
                other.answers[0].lower() in a.lower() or a.lower() in other.answers[0].lower()
                for a in question.answers
            )
        ]
        for right, name, text in wordings(question, others):
            found = grade_of(text, question).right
            asked[right] += 1
            accepted[right] += found
            if found is not right:
                kind = f"{'right' if right else 'wrong'}: {name}"
                wrong[kind] += 1
                examples.setdefault(
                    kind, f"{question.question} | {question.answers} {question.scale} | {text}"
                )
    return {
        "questions": len(questions),
        "right_wordings": asked[True],
        "right_accepted": round(accepted[True] / asked[True], 4),
        "wrong_wordings": asked[False],
        "wrong_accepted": round(accepted[False] / asked[False], 4),
        "not_as_wished": dict(wrong.most_common()),
        "examples": examples,
    }


def main() -> None:
    """Grade all wordings, and write the shares."""
    parser = common.command_line(__doc__)
    parser.add_argument("--reports", type=Path, required=True, help="TAT-QA's tatqa_dataset_dev.json")
    records = json.loads(parser.parse_args().reports.read_text(encoding="utf-8"))
    questions = [
        question
        for n, record in enumerate(records, 1)
        for question in questions_of(record, source="t", number=n)
    ]
    result = agreement(questions)
    examples = result.pop("examples")
    for kind, count in result["not_as_wished"].items():
        print(f"{count:5} {kind}: {examples[kind]}")
    common.store("answers", result)
    print(json.dumps({k: v for k, v in result.items() if k != "not_as_wished"}))


if __name__ == "__main__":
    main()
