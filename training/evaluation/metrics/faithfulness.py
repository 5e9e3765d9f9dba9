"""Faithfulness: figures in an answer that its context does not have are made up."""

from dataclasses import dataclass

from core.dataset import Question
from training.evaluation.answers import faithfulness
from training.evaluation.asks import Answers
from training.evaluation.metrics.base import HIGHER, SECONDARY, Item, Items, Material
from training.evaluation.metrics.written_answers import (
    answer_item,
    answered,
    own_questions,
    table_questions,
)


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Mean share of an answer's numbers that stand in its context or question.

    Only of questions that can be answered without a calculation, since a calculated figure stands nowhere.
    """

    name: str = "faithfulness"
    title: str = "Figures taken from the context"
    about: str = (
        "Share of the figures in an answer that stand in its context, over questions that need no calculation"
        " and that both models answered with a figure."
    )
    unit: str = "share"
    better: str = HIGHER
    role: str = SECONDARY

    def items(self, material: Material) -> Items:
        """The shipped and own questions with a context that has all numbers of the right answer."""
        sets = (table_questions(), own_questions(material))
        among = [question for each in sets for question in each if _quoted(question)]
        asked = [question for each in sets for question in material.choose(each) if _quoted(question)]
        return Items(tuple(map(answer_item, asked)), len(among))

    def value(self, item: Item, answers: Answers) -> float | None:
        """Of one answer; none if it has no figure."""
        assert item.question is not None
        return faithfulness(answered(item, answers), f"{item.question.context}\n{item.question.question}")


def _quoted(question: Question) -> bool:
    if not question.context:
        return False
    shares = (faithfulness(answer, question.context) for answer in question.answers)
    return all(share in (None, 1.0) for share in shares)
