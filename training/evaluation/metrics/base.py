"""What a metric is: it says what both models are asked, and turns their answers into a value an item."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.dataset import Origin, Question
from training.evaluation.asks import Answers, Ask
from training.evaluation.items import chosen

LOWER, HIGHER = "lower", "higher"
#: The unit of what has no upper bound; all others are shares between 0 and 1.
BITS = "bits a byte"
PRIMARY, GUARD, SECONDARY = "primary", "guard", "secondary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a job brings to its evaluation.

    ``held_out``: where its held-out documents stand; ``sizes``: the bytes of each one's predicted text;
    ``openings``: how some of them begin; ``questions``: the dataset's own; ``prompts``: those shown before
    and after; ``limit``: at most so many questions of a set are asked (-1 = all).
    """

    held_out: Sequence[Origin]
    sizes: Sequence[int]
    openings: Sequence[str]
    questions: Sequence[Question]
    prompts: Sequence[str]
    limit: int
    seed: int

    def choose(self, among: Sequence[Question]) -> tuple[Question, ...]:
        """The questions of a set that are asked."""
        return chosen(among, self.limit, self.seed)


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of a metric: what is compared in pairs. ``text`` is looked for in the training text ("" =
    is not), ``size`` its weight, ``question`` what it came from."""

    id: str
    asks: tuple[Ask, ...]
    text: str = ""
    size: float = 1.0
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """Those that are asked, of ``available`` that there are."""

    asked: tuple[Item, ...]
    available: int


class Metric(Protocol):
    """``better`` is LOWER or HIGHER; a PRIMARY decides, a GUARD must stay within a bound, SECONDARY ones are
    told. ``about`` says in a sentence what is measured, and over what."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def better(self) -> str: ...
    @property
    def role(self) -> str: ...

    def items(self, material: Material) -> Items:
        """What is put to both models."""
        ...

    def value(self, item: Item, answers: Answers) -> float | None:
        """An item's value from one model's answers; None = it has none, and counts for neither model."""
        ...
