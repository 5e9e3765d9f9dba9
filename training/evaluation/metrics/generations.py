"""Metrics of free writing: repetition and breakdown of what a model writes after the prompts and openings."""

from core.names import Figure
from training.evaluation import asks
from training.evaluation.asks import Answers, Prompt
from training.evaluation.metrics.base import LOWER, Item, Items, Material, Metric, written_text

#: Stretches of this many words are compared for repetition.
WORDS = 3
#: A text is broken if it ends in this many equal stretches, each of at most LONGEST_ROUND words.
ROUNDS, LONGEST_ROUND = 3, 12


class OfContinuations(Metric):
    """A figure over every continuation; those of one prompt are a group."""

    unit = "share"
    better = LOWER

    def items(self, material: Material) -> Items:
        """A continuation of each prompt, both ways, and of each opening."""
        items = [
            Item(f"prompt {number}, {way}", (written(prompt, sampled=sampled),), group=f"prompt {number}")
            for number, prompt in enumerate(material.prompts, start=1)
            for way, sampled in (("greedy", False), ("sampled", True))
        ]
        items += [
            Item(f"opening {number}", (written(opening, sampled=False),), group=f"opening {number}")
            for number, opening in enumerate(material.openings, start=1)
        ]
        return Items(tuple(items), len(items))


class Repetition(OfContinuations):
    """Mean share of repeated stretches."""

    name = Figure.REPETITION
    title = "Repetition"
    about = "Share of three-word stretches in a continuation that stood in it before."

    def value(self, item: Item, answers: Answers) -> float | None:
        """One continuation's share; None if it is empty or too short to repeat anything."""
        return repetition(written_text(item, answers))


class Degeneration(OfContinuations):
    """Share of continuations that are empty or end in a loop."""

    name = Figure.DEGENERATION
    title = "Broken continuations"
    about = "Share of continuations that are empty or end going round in circles."

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if this continuation broke down, else 0."""
        return float(degenerate(written_text(item, answers)))


def written(prompt: str, *, sampled: bool) -> Prompt:
    """The question for a model about a prompt that the report shows before and after."""
    return Prompt(prompt, asks.NEW_TOKENS, sampled=sampled)


def repetition(text: str) -> float | None:
    """Share of three-word stretches that stood in the text before: 0 = none, near 1 = a broken record."""
    words = text.lower().split()
    stretches = [tuple(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)]
    return 1 - len(set(stretches)) / len(stretches) if stretches else None


def degenerate(text: str) -> bool:
    """Whether a text is empty, or ends in one stretch of words three times or more in a row.

    The last stretch may be incomplete, because the model was stopped in the middle of it.
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
