"""The metrics: what each asks, and what it makes of answers."""

import math

import pytest

from core.dataset import Origin, Question
from training.evaluation.asks import Answers, Continuation, Prompt
from training.evaluation.comparisons import compare_all
from training.evaluation.contamination import Overlaps
from training.evaluation.metrics import REGISTRY
from training.evaluation.metrics.base import (
    BITS,
    GUARD,
    HIGHER,
    LOWER,
    PRIMARY,
    SECONDARY,
    Item,
    Items,
    Material,
)
from training.evaluation.metrics.choice import picked
from training.evaluation.metrics.degeneration import degenerate
from training.evaluation.metrics.exact_match import OWN_QUESTIONS, TABLE_QUESTIONS
from training.evaluation.metrics.faithfulness import Faithfulness
from training.evaluation.metrics.held_out import HeldOut
from training.evaluation.metrics.multiple_choice import MULTIPLE_CHOICE, OWN_CHOICES
from training.evaluation.metrics.repetition import Repetition, repetition
from training.evaluation.metrics.sentiment import SENTIMENT
from training.evaluation.scoring import Score

OWN = (
    Question("1", "questions.jsonl", "Revenue?", ("12",), "million", "Revenue was 12 million in 2019."),
    Question("2", "questions.jsonl", "Growth?", ("20",), "percent", "Revenue rose from 10 to 12."),
    Question("3", "questions.jsonl", "Which?", ("b",), choices=("a", "b"), right=1),
)


def material(*, limit: int = -1, tasks: tuple[str, ...] = ("", "", "")) -> Material:
    origins = [Origin("reports.txt", index, task) for index, task in enumerate(tasks)]
    return Material(
        held_out=origins,
        sizes=[100] * len(origins),
        openings=["Net revenue rose"],
        questions=OWN,
        prompts=("one", "two"),
        limit=limit,
        seed=10,
    )


def bits(amount: float, size: int) -> Score:
    return Score(amount * math.log(2), 10, size)


def test_the_registry_has_one_primary_one_guard_and_a_name_for_each() -> None:
    names = [metric.name for metric in REGISTRY]
    assert len(set(names)) == len(names)
    roles = [metric.role for metric in REGISTRY]
    assert (roles.count(PRIMARY), roles.count(GUARD)) == (1, 1)
    assert set(roles) == {PRIMARY, GUARD, SECONDARY}
    assert {metric.better for metric in REGISTRY} == {LOWER, HIGHER}
    assert all(metric.unit == BITS for metric in REGISTRY if metric.role != SECONDARY)


@pytest.mark.parametrize("metric", REGISTRY, ids=lambda metric: metric.name)
def test_every_metric_asks_something_of_each_item_and_names_items_once(metric) -> None:  # type: ignore[no-untyped-def]
    items = metric.items(material())
    assert 0 < len(items.asked) <= items.available
    assert all(item.asks for item in items.asked)
    assert len({item.id for item in items.asked}) == len(items.asked)


def test_the_sets_have_at_least_the_promised_items() -> None:
    assert MULTIPLE_CHOICE.items(material()).available >= 120
    assert SENTIMENT.items(material()).available >= 120
    assert len(TABLE_QUESTIONS.items(material(limit=5)).asked) == 5


def test_the_likeliest_choice_is_the_one_with_the_fewest_bits_a_byte() -> None:
    (item,) = OWN_CHOICES.items(material()).asked
    short, long = (ask for ask in item.asks if isinstance(ask, Continuation))
    assert (short.prompt, long.text) == ("Question: Which?\nAnswer:", " b")
    # The longer text has more bits in all, and fewer for each byte.
    answers = Answers({short: bits(8, 2), long: bits(9, 3)})
    assert picked(item, answers) == 1
    assert OWN_CHOICES.value(item, answers) == 1.0
    assert OWN_CHOICES.value(item, Answers({short: bits(4, 2), long: bits(9, 3)})) == 0.0


def test_a_written_answer_is_right_with_its_scale() -> None:
    first, second = OWN_QUESTIONS.items(material()).asked
    (ask,) = first.asks
    assert isinstance(ask, Prompt)
    assert ask.text.startswith("Revenue was 12 million in 2019.\n\nQuestion: Revenue?\nAnswer:")
    for answer, value in (("12 million", 1.0), ("12 billion", 0.0)):
        assert OWN_QUESTIONS.value(first, Answers(texts={ask: answer})) == value
    assert second.question == OWN[1]


def test_faithfulness_leaves_calculated_answers_out_and_needs_a_figure() -> None:
    items = Faithfulness().items(material())
    own = [item for item in items.asked if item.id.startswith("questions.jsonl")]
    assert [item.question for item in own] == [OWN[0]]  # 20 percent stands nowhere in the second's context
    (ask,) = own[0].asks
    assert isinstance(ask, Prompt)
    for answer, value in (("12 of 2019", 1.0), ("12 or 13", 0.5), ("none", None)):
        assert Faithfulness().value(own[0], Answers(texts={ask: answer})) == value


@pytest.mark.parametrize(
    ("text", "share"),
    [("", None), ("two words", None), ("a b c d e", 0.0), ("no no no no no", 2 / 3), ("A b c a B c", 1 / 4)],
)
def test_repetition_is_the_share_of_stretches_seen_before(text: str, share: float | None) -> None:
    assert repetition(text) == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("", True),
        (" \n", True),
        ("the end the end the end", True),
        (
            "It fell. The name of the account. The name of the account. The name of the account. The name",
            True,
        ),
        ("one one one", True),
        ("one two one two", False),
        ("The name of the account is the name of the account and no more", False),
        ("Revenue rose", False),
    ],
)
def test_a_text_is_broken_if_empty_or_going_round_in_circles(text: str, broken: bool) -> None:
    assert degenerate(text) is broken


def test_continuations_are_of_prompts_both_ways_and_of_openings() -> None:
    asks = [item.asks[0] for item in Repetition().items(material()).asked]
    assert [(ask.text, ask.sampled) for ask in asks if isinstance(ask, Prompt)] == [
        ("one", False),
        ("one", True),
        ("two", False),
        ("two", True),
        ("Net revenue rose", False),
    ]


class Fixed:
    """A metric whose values are given: tuned is better on all items."""

    title, about, unit, better, role = "Fixed", "", "share", HIGHER, SECONDARY

    def __init__(self, name: str, count: int) -> None:
        self.name, self._count = name, count

    def items(self, material: Material) -> Items:
        asked = tuple(Item(f"{self.name}:{i}", (Prompt(str(i), 1),), "text") for i in range(self._count))
        return Items(asked, 50)

    def value(self, item: Item, answers: Answers) -> float | None:
        text = answers.texts[item.asks[0]]  # type: ignore[index]
        return None if text == "" else float(text)


def test_overlaps_are_left_out_and_secondary_metrics_are_corrected() -> None:
    brought = material(tasks=("a", "a", "b", "b", "b"))
    metrics = [HeldOut(), Fixed("x", 12), Fixed("y", 12), Fixed("none", 1)]
    items = {metric.name: metric.items(brought) for metric in metrics}  # type: ignore[attr-defined]
    base, tuned = Answers(), Answers()
    for position, origin in enumerate(brought.held_out):
        base.scores[origin], tuned.scores[origin] = bits(300, 100), bits(200 + position, 100)
    for number in range(12):
        base.texts[Prompt(str(number), 1)] = "0"
        tuned.texts[Prompt(str(number), 1)] = "" if number == 11 else "1"
    outcome = compare_all(
        metrics,  # type: ignore[arg-type]
        items,
        base,
        tuned,
        overlaps=Overlaps({1: "shared words"}, {"x:0": "shared words"}),
        tasks=[origin.task for origin in brought.held_out],
        seed=1,
    )
    primary = outcome.metrics["held_out_bits_per_byte"]
    assert primary.values.ids == ("reports.txt:1", "reports.txt:3", "reports.txt:4", "reports.txt:5")
    assert (primary.comparison.items, primary.p_adjusted) == (4, None)
    assert [(part.name, part.comparison.items) for part in outcome.tasks] == [("b", 3)]
    x, y = outcome.metrics["x"], outcome.metrics["y"]
    assert (x.comparison.items, y.comparison.items) == (10, 11)
    assert x.p_adjusted is not None and x.p_adjusted > x.comparison.p_value  # three in the family
    assert (x.finding, y.finding) == ("better", "better")
    assert outcome.missing == {"none": "fewer than 2 of 1 items could be compared"}


def test_a_claim_that_rests_on_nothing_clean_has_figures_and_says_so() -> None:
    brought = material()
    metric = HeldOut()
    base = Answers({origin: bits(300, 100) for origin in brought.held_out})
    tuned = Answers({origin: bits(200, 100) for origin in brought.held_out})
    outcome = compare_all(
        [metric],
        {metric.name: metric.items(brought)},
        base,
        tuned,
        overlaps=Overlaps(dict.fromkeys(range(3), "words")),
        tasks=[""] * 3,
        seed=1,
    )
    comparison = outcome.metrics[metric.name].comparison
    assert (comparison.difference, comparison.items) == (pytest.approx(-1.0), 0)
