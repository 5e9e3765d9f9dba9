"""Metrics of whole texts, in bits a byte: held-out text, what the right prompt adds, and general prose."""

from core.dataset import Origin
from core.names import Figure
from training.evaluation.asks import Answers, Continuation, Exchanged, Prompt
from training.evaluation.items import paragraphs
from training.evaluation.metrics.base import (
    BITS,
    CONTROL,
    GUARD,
    LOWER,
    PRIMARY,
    Item,
    Items,
    Material,
    Metric,
)

FILE = "general.txt"


class BitsPerByte(Metric):
    """How surprised a model is by texts that are asked for one by one."""

    unit = BITS
    better = LOWER

    def value(self, item: Item, answers: Answers) -> float | None:
        """One text's bits a byte."""
        (ask,) = item.asks
        assert not isinstance(ask, Prompt)
        return answers.scores[ask].bits_per_byte


class HeldOut(BitsPerByte):
    """Bits a byte of the documents that were held out of training; of completions only, where there are
    prompts."""

    name = Figure.HELD_OUT_BITS_PER_BYTE
    title = "Held-out text"
    about = "How surprised the model is by the held-out documents, in bits for each byte of their text."
    role = PRIMARY

    def items(self, material: Material) -> Items:
        """Every held-out document. Its overlap with the training text is found before it is scored."""
        groups = material.groups or [""] * len(material.held_out)
        items = tuple(
            Item(document_id(origin), (origin,), size=float(size), group=group)
            for origin, size, group in zip(material.held_out, material.sizes, groups, strict=True)
        )
        return Items(items, len(items))


class PromptGain(Metric):
    """What the right prompt adds: bits a byte of a completion after another document's prompt, less those
    after its own.

    Learning the form of the answers lowers both alike, so shuffled answers and constant ones gain nothing
    here.
    """

    name = Figure.PROMPT_GAIN
    title = "What the right prompt tells"
    about = (
        "By how many bits a byte a held-out answer is easier to predict after its own prompt than after"
        " another's: 0 means that the answer does not depend on the prompt."
    )
    unit = BITS
    role = CONTROL

    def items(self, material: Material) -> Items:
        """The held-out documents that are scored after another prompt too."""
        items = tuple(
            Item(item.id, (origin, Exchanged(origin)), size=item.size, group=item.group)
            for origin, item in zip(material.held_out, HeldOut().items(material).asked, strict=True)
            if origin in material.exchanged
        )
        return Items(items, len(items))

    def value(self, item: Item, answers: Answers) -> float | None:
        """One document's gain."""
        own, other = (answers.scores[ask] for ask in item.asks if not isinstance(ask, Prompt))
        return other.bits_per_byte - own.bits_per_byte


class GeneralText(BitsPerByte):
    """Bits a byte of shipped everyday prose: what a specialist should not unlearn."""

    name = Figure.GENERAL_BITS_PER_BYTE
    title = "General text"
    about = "How surprised the model is by everyday prose that is not about finance: what it may forget."
    role = GUARD

    def items(self, material: Material) -> Items:
        """Every shipped paragraph."""
        items = tuple(
            Item(f"{FILE}:{number}", (Continuation("", text),), text, float(len(text.encode())))
            for number, text in enumerate(paragraphs(FILE), start=1)
        )
        return Items(items, len(items))


def document_id(origin: Origin) -> str:
    """The name of a held-out document in evaluation.json."""
    return f"{origin.source}:{origin.index + 1}"
