"""Degeneration: continuations that broke down."""

from dataclasses import dataclass

from training.evaluation.asks import Answers
from training.evaluation.metrics.base import LOWER, SECONDARY, Item, Items, Material
from training.evaluation.metrics.generations import continuation, generations

#: A text goes round in circles that ends in so many equal stretches, each of at most so many words.
ROUNDS, LONGEST_ROUND = 3, 12


@dataclass(frozen=True, slots=True)
class Degeneration:
    """Share of continuations that are empty or end in a loop."""

    name: str = "degeneration"
    title: str = "Broken continuations"
    about: str = "Share of continuations that are empty or end going round in circles."
    unit: str = "share"
    better: str = LOWER
    role: str = SECONDARY

    def items(self, material: Material) -> Items:
        """All continuations."""
        return generations(material)

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if this continuation broke down, else 0."""
        return float(degenerate(continuation(item, answers)))


def degenerate(text: str) -> bool:
    """Whether a text is empty, or ends in one stretch of words three times or more in a row.

    The last stretch may be incomplete: the model was stopped in the middle of it.
    """
    words = text.lower().split()
    if not words:
        return True
    for length in range(1, LONGEST_ROUND + 1):
        same = 0
        while same + length < len(words) and words[-1 - same] == words[-1 - same - length]:
            same += 1
        if same >= length * (ROUNDS - 1):
            return True
    return False
