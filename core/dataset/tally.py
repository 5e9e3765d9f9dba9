"""Running counts over a dataset's documents: digests and figures only, so memory stays small."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.dataset.documents import Document
from core.dataset.intake import Intake
from core.dataset.plain_text import continues
from core.dataset.privacy import find_private
from core.dataset.split import ALONE
from core.dataset.tokens import MARKS, Range, TokenCounter, estimate, kept_of_prompt, pieces

#: A warning of private data names at most this many places.
PLACES = 3
#: Texts go through a real tokenizer in groups of this many characters.
_BATCH_CHARACTERS = 1 << 20
#: A first document is shown with at most this many characters.
SHOWN_CHARACTERS = 300
#: What is left where UTF-8 was read as Windows-1252, or could not be read.
_MISREAD = ("\ufffd", "â€", "‰Û", "Ã©", "Ã¼", "Ã¤", "Ã¶", "Ã¨", "Ã¡", "Ã±", "Â£", "Â§", "Â°")


@dataclass(slots=True)
class Tally:
    """About 170 bytes a document: digest, size, tokens, task, group and file of each.

    ``tokens`` are those in the document's row; ``pieces`` has the sizes of documents that take more than one
    row. ``cut``: how many prompts are cut to fit, ``cut_tokens`` by how much, ``longest``: the tokens of the
    longest part of a prompt and its answer. ``inside_a_sentence``: texts that the next one goes on with.
    """

    digests: list[bytes] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    tokens: array[float] = field(default_factory=lambda: array("d"))
    tasks: array[int] = field(default_factory=lambda: array("q"))
    groups: array[int] = field(default_factory=lambda: array("q"))
    files: array[int] = field(default_factory=lambda: array("q"))
    pieces: dict[int, list[int]] = field(default_factory=dict)
    total: Range = field(default_factory=lambda: Range(0, 0, 0))
    private: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    cut: int = 0
    cut_tokens: int = 0
    longest: int = 0
    prompts: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    inside_a_sentence: Counter[str] = field(default_factory=Counter)
    misread: int = 0
    first: dict[str, str] | None = None

    def rows(self, number: int, length: int) -> list[int]:
        """The sizes of a document's pieces in rows of ``length``."""
        return self.pieces.get(number) or [size for _, size in pieces([round(self.tokens[number])], length)]


def tally(intake: Intake, counter: TokenCounter | None, length: int) -> Tally:
    """Read all of ``intake``; tokens are counted by ``counter`` or estimated, and fitted into rows of
    ``length``."""
    result = Tally()
    numbers = {task: number for number, task in enumerate(intake.tasks)}
    groups: dict[str, int] = {"": ALONE}
    files: dict[str, int] = {}
    before: Document | None = None
    for digest, document, parts in _measured(intake, counter):
        result.digests.append(digest)
        result.tasks.append(numbers[document.task])
        result.groups.append(groups.setdefault(document.group, len(groups)))
        result.files.append(files.setdefault(document.source, len(files)))
        result.sizes.append(document.size)
        _fit(result, parts, length, MARKS if counter is None else counter.marks)
        _look(result, document, before)
        before = document
    return result


def _fit(result: Tally, parts: list[tuple[Range, Range]], length: int, marks: int) -> None:
    """Count a document's tokens, its prompts cut so that each fits into a row with its answer."""
    fitted: list[float] = []
    for prompt, completion in parts:
        whole = prompt.middle + completion.middle + marks
        if prompt.middle:
            result.prompts += 1
            result.longest = max(result.longest, math.ceil(whole))
            asked = round(prompt.middle)
            kept = kept_of_prompt(asked, round(completion.middle), length)
            if kept < asked:
                result.cut += 1
                result.cut_tokens += asked - kept
                prompt *= kept / prompt.middle
        fitted.append(prompt.middle + completion.middle + marks)
        result.total += prompt + completion + Range(marks, marks, marks)
    if len(fitted) > 1 and sum(fitted) > length:
        result.pieces[len(result.tokens)] = [size for _, size in pieces(list(map(round, fitted)), length)]
    result.tokens.append(sum(fitted))


def _measured(
    intake: Intake, counter: TokenCounter | None
) -> Iterator[tuple[bytes, Document, list[tuple[Range, Range]]]]:
    """Documents, each with the tokens of what is read and of what is learned in each of its parts."""
    waiting: list[tuple[bytes, Document]] = []
    characters = 0
    for digest, document in intake:
        if counter is None:
            yield (
                digest,
                document,
                [(estimate((read or "").encode()), estimate(text.encode())) for read, text in document.parts],
            )
            continue
        waiting.append((digest, document))
        characters += sum(len(read or "") + len(text) for read, text in document.parts)
        if characters > _BATCH_CHARACTERS:
            yield from _counted(waiting, counter)
            waiting, characters = [], 0
    if counter is not None:
        yield from _counted(waiting, counter)


def _counted(
    waiting: list[tuple[bytes, Document]], counter: TokenCounter
) -> Iterator[tuple[bytes, Document, list[tuple[Range, Range]]]]:
    texts = [text or "" for _, document in waiting for part in document.parts for text in part]
    counts = iter([_exactly(count) for count in counter.count(texts)])
    for digest, document in waiting:
        parts = [(next(counts), next(counts)) for _ in document.parts]
        dialog = counter.dialog(document.messages) if document.messages else None
        if dialog is not None:  # its marks are among the tokens
            parts = [(_exactly(read), _exactly(learned - counter.marks)) for read, learned in dialog]
        yield digest, document, parts


def _exactly(count: int) -> Range:
    return Range(count, count, count)


def _look(result: Tally, document: Document, before: Document | None) -> None:
    """Look at a document for what a person should know of it."""
    private = False
    for read, learned in document.parts:
        text = f"{read}\n{learned}" if read else learned
        for kind in find_private(text):
            private = True
            result.private[kind] += 1
            places = result.places.setdefault(kind, [])
            place = f"{document.source}, document {document.index + 1}"
            if len(places) < PLACES and place not in places:
                places.append(place)
        if not text.isascii() and any(sign in text for sign in _MISREAD):
            result.misread += 1
    if document.prompt is None:
        result.texts[document.source] += 1
        if before and before.prompt is None and before.source == document.source:
            result.inside_a_sentence[document.source] += continues(before.text, document.text.lstrip())
    if result.first is None and not private:
        result.first = {"file": document.source, "text": shortened(document.text)}
        if document.prompt is not None:
            result.first["prompt"] = shortened(document.prompt)


def shortened(text: str) -> str:
    """The beginning and the end of a text."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    half = SHOWN_CHARACTERS // 2
    return f"{text[:half]} […] {text[-half:]}"
