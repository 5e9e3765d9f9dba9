"""What the metrics with given choices share: the choice that the model finds likeliest, byte for byte."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.dataset import Question
from training.evaluation.asks import Answers, Continuation
from training.evaluation.metrics.base import HIGHER, SECONDARY, Item, Items, Material


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAccuracy:
    """Share of questions whose right choice has the highest likelihood a byte.

    Per byte, since a sum would favour short choices (L. Gao et al., the "acc_norm" of lm-evaluation-harness).
    ``available`` gives the set's questions, ``prompt`` what stands before a choice.
    """

    name: str
    title: str
    about: str
    available: Callable[[Material], Sequence[Question]]
    prompt: Callable[[Question], str]
    unit: str = "share right"
    better: str = HIGHER
    role: str = SECONDARY

    def items(self, material: Material) -> Items:
        """A question with a continuation for each choice."""
        among = self.available(material)
        return Items(tuple(map(self._item, material.choose(among))), len(among))

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if the right choice is the likeliest, else 0."""
        assert item.question is not None
        return float(picked(item, answers) == item.question.right)

    def _item(self, question: Question) -> Item:
        prompt = self.prompt(question)
        asks = tuple(Continuation(prompt, f" {choice}") for choice in question.choices)
        text = f"{question.context} {question.question} {question.choices[question.right]}"
        return Item(f"{question.source}:{question.id}", asks, text, question=question)


def picked(item: Item, answers: Answers) -> int:
    """The position of the choice with the fewest bits a byte; the first of equals."""
    asks = [ask for ask in item.asks if isinstance(ask, Continuation)]
    return min(range(len(asks)), key=lambda i: answers.scores[asks[i]].bits_per_byte)


def asked(question: Question) -> str:
    """A question as it is put to a model, its context before it."""
    return f"{question.context}\n\n" * bool(question.context) + f"Question: {question.question}\nAnswer:"
