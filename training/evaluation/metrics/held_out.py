"""Held-out text: the primary metric."""

from dataclasses import dataclass

from training.evaluation.asks import Answers
from training.evaluation.metrics.base import BITS, LOWER, PRIMARY, Item, Items, Material
from training.evaluation.metrics.bits import bits_per_byte


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Bits a byte of the documents that were held out of training; of completions only, where there are
    prompts."""

    name: str = "held_out_bits_per_byte"
    title: str = "Held-out text"
    about: str = "How surprised the model is by the held-out documents, in bits for each byte of their text."
    unit: str = BITS
    better: str = LOWER
    role: str = PRIMARY

    def items(self, material: Material) -> Items:
        """Every held-out document. Their overlap with the training text is looked for apart."""
        items = tuple(
            Item(f"{origin.source}:{origin.index + 1}", (origin,), size=float(size))
            for origin, size in zip(material.held_out, material.sizes, strict=True)
        )
        return Items(items, len(items))

    def value(self, item: Item, answers: Answers) -> float | None:
        """Of one document."""
        return bits_per_byte(item, answers)
