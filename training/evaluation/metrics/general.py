"""Forgetting: what a specialist should not unlearn."""

from dataclasses import dataclass

from training.evaluation.asks import Answers, Continuation
from training.evaluation.items import paragraphs
from training.evaluation.metrics.base import BITS, GUARD, LOWER, Item, Items, Material
from training.evaluation.metrics.bits import bits_per_byte

FILE = "general.txt"


@dataclass(frozen=True, slots=True)
class GeneralText:
    """Bits a byte of shipped everyday prose."""

    name: str = "general_bits_per_byte"
    title: str = "General text"
    about: str = "How surprised the model is by everyday prose that is not about finance: what it may forget."
    unit: str = BITS
    better: str = LOWER
    role: str = GUARD

    def items(self, material: Material) -> Items:
        """Every shipped paragraph."""
        items = tuple(
            Item(f"{FILE}:{number}", (Continuation("", text),), text, float(len(text.encode())))
            for number, text in enumerate(paragraphs(FILE), start=1)
        )
        return Items(items, len(items))

    def value(self, item: Item, answers: Answers) -> float | None:
        """Of one paragraph."""
        return bits_per_byte(item, answers)
