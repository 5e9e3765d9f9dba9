"""The shipped items: well-formed, consistent with themselves, balanced, and of a size that is documented."""

import ast
import operator
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from training.evaluation.answers import quantities
from training.evaluation.items import chosen, paragraphs, questions, records

CHOICES = records("multiple_choice.jsonl")
SENTENCES = records("sentiment.jsonl")
CONTEXTS = records("table_questions.json")
ASKED = [(context, question) for context in CONTEXTS for question in context["questions"]]
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def calculated(derivation: str) -> float:
    """The value of a derivation such as `(31,260-24,900)/24,900`."""
    text = re.sub(r"(?<=\d),(?=\d)", "", derivation)
    text = re.sub(r"(\d+(?:\.\d+)?)%", r"(\1/100)", text)

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return float(OPERATORS[type(node.op)](value(node.left), value(node.right)))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        assert isinstance(node, ast.Constant)
        return float(node.value)  # type: ignore[arg-type]

    return value(ast.parse(text.strip(), mode="eval").body)


def test_the_sets_have_their_documented_sizes() -> None:
    assert (len(CHOICES), len(SENTENCES), len(CONTEXTS), len(ASKED)) == (136, 166, 18, 84)
    assert len(paragraphs("general.txt")) == 40
    for name in ("multiple_choice.jsonl", "table_questions.json"):
        ids = [question.id for question in questions(name)]
        assert len(set(ids)) == len(ids)


def test_multiple_choice_gives_nothing_away() -> None:
    assert all(len(record["choices"]) == len(set(record["choices"])) == 4 for record in CHOICES)
    assert len({record["question"] for record in CHOICES}) == len(CHOICES)
    assert Counter(record["answer"] for record in CHOICES) == dict.fromkeys(range(4), 34)


@pytest.mark.parametrize("numeric", [True, False])
@pytest.mark.parametrize("extreme", [max, min])
def test_length_gives_no_choice_away(numeric: bool, extreme: Callable[[list[int]], int]) -> None:
    """Among questions with one longest (or shortest) choice it is right about as often as chance has it."""
    hits = asked = 0
    for record in CHOICES:
        if all(map(quantities, record["choices"])) is numeric:
            lengths = [len(choice) for choice in record["choices"]]
            if lengths.count(extreme(lengths)) == 1:
                asked += 1
                hits += lengths[record["answer"]] == extreme(lengths)
    assert asked == 0 or 0.10 <= hits / asked <= 0.40 or asked < 15


def test_everyday_questions_are_balanced_and_sums_are_right() -> None:
    rows = records("retained.jsonl")
    assert Counter(row["id"].partition("-")[0] for row in rows) == {"sum": 16, "fact": 16, "obey": 16}
    assert max(Counter(row["answer"] for row in rows).values()) < len(rows) / 2
    for row in rows:
        assert len(set(row["choices"])) == 4
        found = re.fullmatch(r"What is (\d+) ([+−×÷]) (\d+)\?", row["question"])
        if found:
            first, sign, second = int(found[1]), found[2], int(found[3])
            value = {"+": first + second, "−": first - second, "×": first * second, "÷": first / second}[sign]
            assert float(row["choices"][row["answer"]]) == value


def test_the_labels_of_sentiment_are_balanced() -> None:
    assert Counter(record["label"] for record in SENTENCES) == {"positive": 52, "negative": 52, "neutral": 62}
    assert len({record["text"] for record in SENTENCES}) == len(SENTENCES)


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: context["table"]["uid"])
def test_a_table_is_whole_and_every_uid_is_its_own(context: dict[str, Any]) -> None:
    assert len({len(row) for row in context["table"]["table"]}) == 1
    orders = [paragraph["order"] for paragraph in context["paragraphs"]]
    assert orders == list(range(1, len(orders) + 1))
    for question in context["questions"]:
        assert all(1 <= int(number) <= len(orders) for number in question["rel_paragraphs"])
        assert (question["answer_from"] == "table") == (not question["rel_paragraphs"])


@pytest.mark.parametrize(("context", "question"), ASKED, ids=[question["uid"] for _, question in ASKED])
def test_an_answer_follows_from_its_context(context: dict[str, Any], question: dict[str, Any]) -> None:
    cells = [cell for row in context["table"]["table"] for cell in row]
    text = " ".join(paragraph["text"] for paragraph in context["paragraphs"])
    if question["answer_type"] == "arithmetic":
        value = calculated(question["derivation"])
        # A share is derived as a fraction, but for a difference in percentage points.
        wanted = (
            {round(value, 2), round(value * 100, 2)} if question["scale"] == "percent" else {round(value, 2)}
        )
        assert round(float(str(question["answer"]).lstrip("€")), 2) in wanted
    elif question["answer_type"] == "count":
        assert int(question["answer"]) == len(question["derivation"].split("##"))
    else:
        for span in question["answer"]:
            assert span in text or span in cells or span.replace("$", "$ ") in cells


def test_general_text_is_not_about_figures() -> None:
    texts = paragraphs("general.txt")
    assert len(set(texts)) == len(texts)
    assert all(text.isascii() and 500 < len(text) < 800 for text in texts)
    assert sum(len(quantities(text)) for text in texts) < len(texts)


def test_a_limit_chooses_the_same_items_every_time_in_their_order() -> None:
    among = questions("multiple_choice.jsonl")
    some = chosen(among, 20, seed=10)
    assert some == chosen(among, 20, seed=10)
    assert [question.id for question in some] == sorted(question.id for question in some)
    assert some != chosen(among, 20, seed=11)
    assert set(some) <= set(chosen(among, 30, seed=10))
    assert chosen(among, -1, seed=10) == chosen(among, 136, seed=10) == among
    assert chosen(among, 0, seed=10) == ()
