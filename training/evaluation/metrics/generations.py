"""Metrics of free writing: repetition and breakdown of what a model writes after the prompts and openings."""

from dataclasses import dataclass

from core.names import Figure
from training.evaluation import asks
from training.evaluation.asks import Answers, Prompt
from training.evaluation.metrics.base import LOWER, SECONDARY, Item, Items, Material, Single

#: Stretches of this many words are compared for repetition.
WORDS = 3
#: A text is broken if it ends in this many equal stretches, each of at most LONGEST_ROUND words.
ROUNDS, LONGEST_ROUND = 3, 12


@dataclass(frozen=True, slots=True)
class Repetition(Single):
    """Mean share of repeated stretches."""

    name: str = Figure.REPETITION
    title: str = "Repetition"
    about: str = "Share of three-word stretches in a continuation that stood in it before."
    unit: str = "share"
    better: str = LOWER
    role: str = SECONDARY

    def items(self, material: Material) -> Items:
        """All continuations."""
        return generations(material)

    def value(self, item: Item, answers: Answers) -> float | None:
        """One continuation's share; None if it is empty or too short to repeat anything."""
        return repetition(continuation(item, answers))


@dataclass(frozen=True, slots=True)
class Degeneration(Single):
    """Share of continuations that are empty or end in a loop."""

    name: str = Figure.DEGENERATION
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


def written(prompt: str, *, sampled: bool) -> Prompt:
    """The question for a model about a prompt that the report shows before and after."""
    return Prompt(prompt, asks.NEW_TOKENS, sampled=sampled)


def generations(material: Material) -> Items:
    """Every continuation that is looked at for repetition and breakdown; those of one prompt are a group."""
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


def continuation(item: Item, answers: Answers) -> str:
    """The text that the model wrote."""
    (prompt,) = item.asks
    assert isinstance(prompt, Prompt)
    return answers.texts[prompt]


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
