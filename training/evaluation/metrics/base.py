"""A metric says what both models are asked, and turns their answers into one value for each item."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from core.dataset import Origin, Question
from core.names import BITS as BITS
from training.evaluation.asks import Answers, Ask, Prompt
from training.evaluation.items import chosen

LOWER, HIGHER = "lower", "higher"
PRIMARY, CONTROL, GUARD, SECONDARY = "primary", "control", "guard", "secondary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The material of a job's evaluation.

    Attributes:
        held_out: where the held-out documents stand that the verdict rests on.
        sizes: the bytes of each one's predicted text.
        groups: the group of each one, "" = it stands for itself; empty = no groups.
        exchanged: those that are also scored under another document's prompt.
        openings: how some held-out documents begin.
        questions: the dataset's own questions.
        prompts: the prompts that are shown before and after.
        limit: the most questions of a set that are asked (-1 = all).
    """

    held_out: Sequence[Origin]
    sizes: Sequence[int]
    groups: Sequence[str] = ()
    exchanged: frozenset[Origin] = frozenset()
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
    """One unit of a metric, compared in pairs.

    Attributes:
        text: is looked for in the training text ("" = is not).
        size: its weight.
        question: the question that it came from.
        group: items of one group belong together ("" = it stands for itself).
    """

    id: str
    asks: tuple[Ask, ...]
    text: str = ""
    size: float = 1.0
    question: Question | None = None
    group: str = ""

    @property
    def its_question(self) -> Question:
        """The question, of an item that came from one."""
        assert self.question is not None
        return self.question


@dataclass(frozen=True, slots=True)
class Items:
    """The items that are asked, of ``available`` ones; ``unmeasured`` says why they may have no values."""

    asked: tuple[Item, ...]
    available: int
    unmeasured: str = ""


class Metric(ABC):
    """A figure over items. ``better`` is LOWER or HIGHER. The PRIMARY decides, the CONTROL shows that answers
    follow their prompts, the GUARD must stay within a bound, SECONDARY ones are reported. ``about`` says in a
    sentence what is measured, and over what."""

    name: str
    title: str
    about: str
    unit: str
    better: str = HIGHER
    role: str = SECONDARY

    @abstractmethod
    def items(self, material: Material) -> Items:
        """The items that are put to both models."""

    def values(self, items: Sequence[Item], answers: Answers) -> Sequence[float | None]:
        """Each item's value from one model's answers; None = it has none, and counts for neither model."""
        return [self.value(item, answers) for item in items]

    def value(self, item: Item, answers: Answers) -> float | None:
        """One item's value, where it rests on the answers to that item alone."""
        raise NotImplementedError


def written_text(item: Item, answers: Answers) -> str:
    """The text that a model wrote for an item with one prompt."""
    (prompt,) = item.asks
    assert isinstance(prompt, Prompt)
    return answers.texts[prompt]
