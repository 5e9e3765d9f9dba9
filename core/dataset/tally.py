"""Running counts over a dataset's documents: digests and figures only, so memory stays small."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

from core.dataset.documents import Document
from core.dataset.intake import Intake
from core.dataset.privacy import find_private
from core.dataset.tokens import Range, TokenCounter, estimate

#: A warning of private data names at most this many places.
PLACES = 3
#: Texts go through a real tokenizer in groups of this many characters.
_BATCH_CHARACTERS = 1 << 20


@dataclass(slots=True)
class Tally:
    """About 140 bytes a document: digest, size, tokens and task of each."""

    digests: list[bytes] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    tokens: array[float] = field(default_factory=lambda: array("d"))
    tasks: array[int] = field(default_factory=lambda: array("q"))
    total: Range = field(default_factory=lambda: Range(0, 0, 0))
    private: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)


def tally(intake: Intake, counter: TokenCounter | None) -> Tally:
    """Read all of ``intake``; tokens are counted by ``counter`` or estimated."""
    result = Tally()
    numbers = {task: number for number, task in enumerate(intake.tasks)}
    waiting: list[str] = []
    characters = 0
    for digest, document in intake:
        result.digests.append(digest)
        result.tasks.append(numbers[document.task])
        raw = "".join((read or "") + learned for read, learned in document.parts)
        encoded = raw.encode()
        result.sizes.append(len(encoded))
        if counter is None:
            tokens = estimate(encoded)
            result.total += tokens
            result.tokens.append(tokens.middle)
        else:
            waiting.append(raw)
            characters += len(raw)
            if characters > _BATCH_CHARACTERS:
                _count(result, counter, waiting)
                waiting, characters = [], 0
        _look(result, document)
    if counter is not None:
        _count(result, counter, waiting)
        result.total = Range(*[sum(result.tokens)] * 3)
    return result


def _count(result: Tally, counter: TokenCounter, texts: list[str]) -> None:
    result.tokens.extend(tokens + 2.0 for tokens in counter.count(texts))  # the document's start and end


def _look(result: Tally, document: Document) -> None:
    for read, learned in document.parts:
        for kind in find_private(f"{read or ''}\n{learned}"):
            result.private[kind] += 1
            places = result.places.setdefault(kind, [])
            place = f"{document.source}, document {document.index + 1}"
            if len(places) < PLACES and place not in places:
                places.append(place)
