"""Questions with an answer in words or figures: the shipped ones on tables, and the dataset's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.dataset import Question
from training.evaluation.answers import exact_match
from training.evaluation.asks import Answers
from training.evaluation.metrics.base import HIGHER, SECONDARY, Item, Items, Material
from training.evaluation.metrics.written_answers import (
    answer_item,
    answered,
    own_questions,
    table_questions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactMatch:
    """Share of questions answered exactly; ``available`` gives the set's questions."""

    name: str
    title: str
    about: str
    available: Callable[[Material], Sequence[Question]]
    unit: str = "share right"
    better: str = HIGHER
    role: str = SECONDARY

    def items(self, material: Material) -> Items:
        """A question and its context to be answered in a line."""
        among = self.available(material)
        return Items(tuple(map(answer_item, material.choose(among))), len(among))

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if the answer is the right one, else 0."""
        assert item.question is not None
        question = item.question
        given = answered(item, answers)
        return float(exact_match(given, question.answers, scale=question.scale, question=question.question))


TABLE_QUESTIONS = ExactMatch(
    name="table_questions_exact_match",
    title="Questions on a table with text",
    about="Share of shipped questions on invented reports, most of them to be calculated, that are answered"
    " exactly; units and scales count.",
    available=lambda material: table_questions(),
)

OWN_QUESTIONS = ExactMatch(
    name="own_exact_match",
    title="Your questions",
    about="Share of your own questions that are answered exactly; units and scales count.",
    available=own_questions,
)
