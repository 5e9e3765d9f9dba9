"""Repetition: how much of what a model writes it wrote before."""

from dataclasses import dataclass

from training.evaluation.asks import Answers
from training.evaluation.metrics.base import LOWER, SECONDARY, Item, Items, Material
from training.evaluation.metrics.generations import continuation, generations

#: Stretches of so many words are compared.
WORDS = 3


@dataclass(frozen=True, slots=True)
class Repetition:
    """Mean share of repeated stretches."""

    name: str = "repetition"
    title: str = "Repetition"
    about: str = "Share of three-word stretches in a continuation that stood in it before."
    unit: str = "share"
    better: str = LOWER
    role: str = SECONDARY

    def items(self, material: Material) -> Items:
        """All continuations."""
        return generations(material)

    def value(self, item: Item, answers: Answers) -> float | None:
        """Of one continuation; none if it is empty or too short to repeat anything."""
        return repetition(continuation(item, answers))


def repetition(text: str) -> float | None:
    """Share of three-word stretches that stood in the text before: 0 = none, near 1 = a broken record."""
    words = text.lower().split()
    stretches = [tuple(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)]
    return 1 - len(set(stretches)) / len(stretches) if stretches else None
