"""The metrics: what each asks, and what it makes of answers."""

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from core.dataset import Origin, Question
from training.evaluation.asks import Answers, Continuation, Prompt
from training.evaluation.comparisons import compare_all
from training.evaluation.contamination import Overlaps
from training.evaluation.metrics import REGISTRY
from training.evaluation.metrics.base import (
    BITS,
    CONTROL,
    GUARD,
    HIGHER,
    LOWER,
    PRIMARY,
    SECONDARY,
    Item,
    Items,
    Material,
    Metric,
)
from training.evaluation.metrics.choice import (
    LABELS,
    MULTIPLE_CHOICE,
    OWN_CHOICES,
    SENTIMENT,
    WORDINGS,
    asked,
    calibration,
    chance,
    confusion,
    macro_f1,
    picked,
    probabilities,
)
from training.evaluation.metrics.consistency import CONTENT_FREE, SameLabel, agreement_parts, wordings
from training.evaluation.metrics.generations import Repetition, degenerate, repetition
from training.evaluation.metrics.text import HeldOut
from training.evaluation.metrics.written_answers import (
    OWN_QUESTIONS,
    TABLE_QUESTIONS,
    Declining,
    Faithfulness,
    InventedFigures,
    unanswerable,
)
from training.evaluation.scores import Score

OWN = (
    Question("1", "questions.jsonl", "Revenue?", ("12",), "million", "Revenue was 12 million in 2019."),
    Question("2", "questions.jsonl", "Growth?", ("20",), "percent", "Revenue rose from 10 to 12."),
    Question("3", "questions.jsonl", "Why?", ("b c",), choices=("a a", "b c"), right=1),
)


def material(*, limit: int = -1, tasks: tuple[str, ...] = ("", "", "")) -> Material:
    origins = [Origin("reports.txt", index, task) for index, task in enumerate(tasks)]
    return Material(
        held_out=origins,
        sizes=[100] * len(origins),
        exchanged=frozenset(origins),
        openings=["Net revenue rose"],
        questions=OWN,
        prompts=("one", "two"),
        limit=limit,
        seed=10,
    )


def prompt_of(item: Item) -> Prompt:
    (ask,) = item.asks
    assert isinstance(ask, Prompt)
    return ask


def saying(text: str, item: Item) -> Answers:
    """A model that writes this for the item."""
    return Answers(texts={prompt_of(item): text})


def bits(amount: float, size: int) -> Score:
    return Score(amount * math.log(2), 10, size)


def test_the_registry_has_one_primary_one_guard_and_a_name_for_each() -> None:
    names = [metric.name for metric in REGISTRY]
    assert len(set(names)) == len(names)
    roles = [metric.role for metric in REGISTRY]
    assert (roles.count(PRIMARY), roles.count(CONTROL), roles.count(GUARD)) == (1, 1, 1)
    assert set(roles) == {PRIMARY, CONTROL, GUARD, SECONDARY}
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
    assert (short.prompt, long.text) == ("Question: Why?\nAnswer:", " b c")
    # The longer text has more bits in all, and fewer for each byte.
    answers = Answers({short: bits(8, 2), long: bits(9, 3)})
    assert picked(item, answers) == 1
    assert OWN_CHOICES.value(item, answers) == 1.0
    assert OWN_CHOICES.value(item, Answers({short: bits(4, 2), long: bits(9, 3)})) == 0.0


def test_choices_of_one_word_are_compared_by_their_whole_likelihood() -> None:
    (item, *_) = SENTIMENT.items(material()).asked
    positive, negative, neutral = (ask for ask in item.asks if isinstance(ask, Continuation))
    answers = Answers({positive: bits(2, 9), negative: bits(2.1, 9), neutral: bits(1.9, 8)})
    assert picked(item, answers) == 2
    assert probabilities(item, answers) == pytest.approx([0.332, 0.31, 0.356], abs=0.01)


def test_a_question_that_needs_its_choices_shows_them_and_compares_letters() -> None:
    question = Question("4", "q", "Which of these is an asset?", ("Cash",), choices=("Debt", "Cash"), right=1)
    assert asked(question) == "Question: Which of these is an asset?\nA. Debt\nB. Cash\nAnswer:"
    brought = replace(material(), questions=(question,))
    (item,) = OWN_CHOICES.items(brought).asked
    assert [ask.text for ask in item.asks if isinstance(ask, Continuation)] == [" A", " B"]


@pytest.mark.parametrize("number", [7, 11, 16, 38, 48, 60, 68, 78, 85, 107, 126])
def test_shipped_questions_that_need_their_choices_show_them(number: int) -> None:
    items = {item.id: item for item in MULTIPLE_CHOICE.items(material()).asked}
    assert "\nA. " in asked(items[f"multiple_choice.jsonl:mc-{number:03d}"].its_question)


def test_guessing_is_known_and_labels_have_a_confusion_table() -> None:
    items = SENTIMENT.items(material())
    assert chance(items) == pytest.approx(1 / 3)
    assert chance(MULTIPLE_CHOICE.items(material())) == pytest.approx(1 / 4)
    one_sided = Answers()
    for item in items.asked:
        for ask in item.asks:
            assert isinstance(ask, Continuation)
            one_sided.scores[ask] = bits(1 if ask.text == " negative" else 5, 9)
    table = confusion(items.asked, one_sided)
    counts = {"positive": 52, "negative": 52, "neutral": 62}
    assert {right: row["negative"] for right, row in table.items()} == counts
    # Always "negative": a third is right, but F1 is 0 for two of three labels.
    assert macro_f1(table) == pytest.approx(104 / 218 / 3)
    trust = calibration(items.asked, one_sided)
    sure = 1 / (1 + 2 * 2**-4)
    assert trust["ece"] == pytest.approx(sure - 52 / 166, abs=1e-6)
    assert trust["brier"] > 0.6


def test_made_up_figures_are_found_and_calculated_ones_are_not() -> None:
    items = InventedFigures().items(material())
    item = next(each for each in items.asked if each.question == OWN[1])
    for answer, value in (("20 percent", 0.0), ("by 2", 0.0), ("by 37 percent", 1.0), ("it rose", 0.0)):
        assert InventedFigures().value(item, saying(answer, item)) == value


def test_a_question_without_its_row_is_to_be_declined() -> None:
    assert len(unanswerable()) >= 10
    item = Declining().items(material()).asked[0]
    assert "not given" in prompt_of(item).text
    for answer, value in (("Not given.", 1.0), ("The text does not say.", 1.0), ("24,900", 0.0)):
        assert Declining().value(item, saying(answer, item)) == value


def test_a_written_answer_is_right_with_its_scale() -> None:
    first, second = OWN_QUESTIONS.items(material()).asked
    assert prompt_of(first).text.startswith("Revenue was 12 million in 2019.\n\nQuestion: Revenue?\nAnswer:")
    for answer, value in (("12 million", 1.0), ("12 billion", 0.0)):
        assert OWN_QUESTIONS.value(first, saying(answer, first)) == value
    assert second.question == OWN[1]


def test_faithfulness_leaves_calculated_answers_out_and_needs_a_figure() -> None:
    items = Faithfulness().items(material())
    own = [item for item in items.asked if item.id.startswith("questions.jsonl")]
    assert [item.question for item in own] == [OWN[0]]  # 20 percent stands nowhere in the second's context
    for answer, value in (("12 of 2019", 1.0), ("12 or 13", 0.5), ("none", None)):
        assert Faithfulness().value(own[0], saying(answer, own[0])) == value


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


class Fixed(Metric):
    """A metric whose values are given: tuned is better on all items."""

    title, about, unit = "Fixed", "", "share"

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
    metrics: list[Metric] = [HeldOut(), Fixed("x", 12), Fixed("y", 12), Fixed("none", 1)]
    items = {metric.name: metric.items(brought) for metric in metrics}
    base, tuned = Answers(), Answers()
    for position, origin in enumerate(brought.held_out):
        base.scores[origin], tuned.scores[origin] = bits(300, 100), bits(200 + position, 100)
    for number in range(12):
        base.texts[Prompt(str(number), 1)] = "0"
        tuned.texts[Prompt(str(number), 1)] = "" if number == 11 else "1"
    outcome = compare_all(
        metrics,
        items,
        base,
        tuned,
        overlaps=Overlaps({"reports.txt:2": "shared words"}, {"x:0": "shared words"}),
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
        overlaps=Overlaps(dict.fromkeys((item.id for item in metric.items(brought).asked), "words")),
        tasks=[""] * 3,
        seed=1,
    )
    comparison = outcome.metrics[metric.name].comparison
    assert (comparison.difference, comparison.items) == (pytest.approx(-1.0), 0)


def leaning(towards: int) -> Answers:
    """A model that finds the right label 1 nat likelier than the others, after a habit of 2 nats for one."""
    answers = Answers()
    for item in SameLabel().items(material()).asked:
        for text in (item.its_question.question, CONTENT_FREE):
            for way in WORDINGS:
                for place, label in enumerate(LABELS):
                    knows = text != CONTENT_FREE and place == item.its_question.right
                    nats = 5.0 - 2.0 * (place == towards) - knows
                    answers.scores[Continuation(way.format(text), f" {label}")] = Score(nats, 1, 9)
    return answers


def test_a_models_habit_is_told_apart_from_what_it_knows() -> None:
    items = SameLabel().items(material()).asked
    found = wordings(items, leaning(towards=1))
    share = sum(item.its_question.right == 1 for item in items) / len(items)
    assert found["wordings"] == pytest.approx([share] * 3), "it always says its favourite"
    assert found["calibrated"] == 1.0, "without the habit it knows each label"
    assert max(found["prior"], key=found["prior"].__getitem__) == LABELS[1]


def labelling(label: Callable[[int, int], int]) -> Answers:
    """A model that gives sentence number n in wording number w the label ``label(n, w)``."""
    answers = Answers()
    for number, item in enumerate(SameLabel().items(material()).asked):
        for way, wording in enumerate(WORDINGS):
            for place, name in enumerate(LABELS):
                ask = Continuation(wording.format(item.its_question.question), f" {name}")
                answers.scores[ask] = Score(5.0 - (place == label(number, way)), 1, 9)
    return answers


def consistency(answers: Answers) -> float | None:
    metric = SameLabel()
    parts = [part for part in metric.values(metric.items(material()).asked, answers) if part is not None]
    return sum(parts) / len(parts) if parts else None


def test_labels_that_follow_the_sentence_are_consistent_and_those_of_the_wording_are_not() -> None:
    assert consistency(labelling(lambda number, way: number % 3)) == pytest.approx(1.0)
    assert consistency(labelling(lambda number, way: number % 50 // 49)) == pytest.approx(1.0)
    assert consistency(labelling(lambda number, way: way)) == pytest.approx(0.0)
    drawn = Random(1)
    found = consistency(labelling(lambda number, way: drawn.choice((0, 0, 0, 1))))
    assert found == pytest.approx(0.0, abs=0.2)
    mixed = consistency(labelling(lambda number, way: (number + (way == 2)) % 3))
    assert mixed == pytest.approx(0.0, abs=0.02), "kappa of one pair is 1, of two -0.5"


def test_a_model_that_always_gives_one_label_has_no_consistency() -> None:
    metric = SameLabel()
    asked: dict[str, Items] = {metric.name: metric.items(material())}
    constant, reading = labelling(lambda number, way: 2), labelling(lambda number, way: number % 3)
    assert consistency(constant) is None
    for base, tuned in ((constant, reading), (reading, constant)):
        outcome = compare_all([metric], asked, base, tuned, overlaps=Overlaps({}), tasks=(), seed=1)
        assert outcome.metrics == {}
        assert "gives every sentence one label" in outcome.missing[metric.name]
    same = compare_all([metric], asked, reading, reading, overlaps=Overlaps({}), tasks=(), seed=1)
    assert same.metrics[metric.name].finding == "no difference shown"


def test_parts_of_agreement_are_its_linear_influence() -> None:
    given = {str(n): [n % 3, (n * n) % 3, n // 4 % 3] for n in range(40)}
    parts = agreement_parts(given)
    for text in given:
        left_out = {other: labels for other, labels in given.items() if other != text}
        rest = agreement_parts(left_out)
        jackknife = sum(parts.values()) - sum(rest.values())
        assert parts[text] == pytest.approx(jackknife, abs=0.1)


def test_the_first_wording_is_that_of_the_sentiment_metric() -> None:
    asked_before = {ask for item in SENTIMENT.items(material()).asked for ask in item.asks}
    for item in SameLabel().items(material()).asked:
        assert len(asked_before & set(item.asks)) == len(LABELS), "these cost nothing more"
