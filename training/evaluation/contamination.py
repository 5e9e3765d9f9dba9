"""Contamination: does what is measured also stand in what was trained on?

Words are compared without case and punctuation. Two things are looked for:

- Shared stretches: WORDS words in a row that stand in a training document too. They are left out of the
  figures, as token by token in the Llama 2 paper (H. Touvron et al., 2023, appendix A.6). A stretch that
  stands in more than MOST_DOCUMENTS training documents is a set phrase of the trade ("legal boilerplate") and
  is ignored, as GPT-3's authors do (T. Brown et al., 2020, appendix C).
- Copies: a text of which one training document has MOST_COPIED of the stretches of COPY_WORDS words. This
  finds copies with words changed here and there, and copies that are repeated so often that they look like
  set phrases. It is the containment that MinHash estimates (A. Broder, 1997), here counted exactly.

A text is left out whole if it is a copy or if shared stretches make up more than half of it. With prompts, a
copy must have as much of prompt and answer together, and half of the answer: the same answer to another
question is no copy, and the same table under another question is none either. Texts of fewer than
FEWEST_WORDS words are too short to be distinguished.

Openings that the report shows continued are looked for apart, and only counted: one stands in the training
text if each of its stretches of WORDS words does, or all of it, if it has fewer.

Only hashes of the measured side are kept (about 40 bytes a word). The training side is read once as a stream,
in blocks, so memory does not grow with it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

WORDS = 13
FEWEST_WORDS = 8
COPY_WORDS = 5
MOST_DOCUMENTS = 10
MOST_SHARED = 0.5
#: Of texts that differ in their figures only, such as a form filled in anew, more than half is often equal.
MOST_COPIED = 0.6
_BLOCK_WORDS = 1 << 16
#: Bits of the table by which most sequences are dismissed before the exact look-up.
_TABLE_BITS = 22
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
#: A figure such as 1,234.5 is one word.
_WORD = re.compile(r"\w+(?:[.,]\d+)*")


class Text(NamedTuple):
    """A document: what is read (its prompts, "" in plain text) and what is learned."""

    read: str
    learned: str


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The texts that also stand in the training text, by id.

    Attributes:
        documents: held-out documents that are left out whole, with some of the shared words.
        items: the same for questions and paragraphs.
        stretches: characters (from, to) of the learned text of other held-out documents that are left out.
        openings: the number of training documents that have the rarest stretch of each opening; those that do
            not stand there are left out.
    """

    documents: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    stretches: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    openings: Mapping[str, int] = field(default_factory=dict)


def find_overlaps(
    documents: Callable[[], Iterable[tuple[str, Text]]],
    items: Mapping[str, str],
    training: Iterable[Text],
    openings: Sequence[str] = (),
) -> Overlaps:
    """Look for held-out ``documents`` (id, text), ``items`` (id → text) and ``openings`` in the ``training``
    documents.

    ``documents`` is called twice, so that no text has to be kept.
    """

    def texts() -> Iterator[tuple[str, Text]]:
        yield from documents()
        yield from ((name, Text("", text)) for name, text in items.items())

    index = _Index((text for _, text in texts()), openings)
    index.search(training)
    left_out: list[dict[str, str]] = [{}, {}]
    stretches = {}
    for (name, text), found in zip(texts(), index.searched, strict=True):
        if found.left_out:
            left_out[name in items][name] = found.example(text)
        elif name not in items and found.shared.any():
            stretches[name] = found.stretches(text)
    shown = {openings[number]: count for number, count in index.openings().items()}
    return Overlaps(left_out[0], left_out[1], stretches, shown)


@dataclass(slots=True)
class _Searched:
    """The findings about one text. ``shared``, bool [words]: which of its words are part of a shared stretch;
    ``answer``: hashes of what a training document must teach too (None = nothing), see `_answer`."""

    shared: np.ndarray
    answer: np.ndarray | None
    copied: bool = False

    @property
    def left_out(self) -> bool:
        return self.copied or (bool(len(self.shared)) and float(self.shared.mean()) > MOST_SHARED)

    def example(self, text: Text) -> str:
        """Some of the words that are shared."""
        words = words_of(text.learned)
        if self.copied:
            return " ".join((words_of(text.read) + words)[:WORDS])
        first = int(np.flatnonzero(self.shared)[0])
        return " ".join(words[first : first + WORDS])

    def stretches(self, text: Text) -> tuple[tuple[int, int], ...]:
        """Characters (from, to) of each shared stretch in the learned text."""
        places = [match.span() for match in _WORD.finditer(text.learned)]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], self.shared.astype(np.int8), [0]])))
        return tuple(
            (places[start][0], places[end - 1][1]) for start, end in zip(edges[::2], edges[1::2], strict=True)
        )


def words_of(text: str) -> list[str]:
    """The words that are compared."""
    return [word.lower() for word in _WORD.findall(text)]


def _answer(words: list[str]) -> np.ndarray:
    """Hashes by which two answers are compared: of a short one as a whole, else of its short stretches."""
    return _sequence_hashes(_word_hashes(words), COPY_WORDS if len(words) >= FEWEST_WORDS else len(words))


class _Stretches:
    """All WORDS words in a row of some texts, as hashes; a shorter text is one stretch, an empty one none."""

    def __init__(self) -> None:
        self._parts: dict[int, list[tuple[int, np.ndarray]]] = {}

    def add(self, number: int, words: list[str]) -> None:
        if length := min(len(words), WORDS):
            hashes = _sequence_hashes(_word_hashes(words), length)
            self._parts.setdefault(length, []).append((number, hashes))

    def hashed(self) -> "list[_Sequences]":
        return [_Sequences.of(length, parts) for length, parts in self._parts.items()]


class _Index:
    """All texts that are looked for, as hashes; ``searched`` says what was found of each."""

    def __init__(self, texts: Iterable[Text], openings: Sequence[str]) -> None:
        self.searched: list[_Searched] = []
        phrases, shown = _Stretches(), _Stretches()
        copies: list[tuple[int, np.ndarray]] = []
        for number, text in enumerate(texts):
            learned = words_of(text.learned)
            both = words_of(text.read) + learned
            answer = _answer(learned) if text.read else None
            self.searched.append(_Searched(np.zeros(len(learned), bool), answer))
            # A short answer may well be given to several prompts, so it is no shared stretch.
            if len(learned) >= (WORDS if text.read else FEWEST_WORDS):
                phrases.add(number, learned)
            if len(both) >= FEWEST_WORDS:
                copies.append((number, _sequence_hashes(_word_hashes(both), COPY_WORDS)))
        for number, opening in enumerate(openings):
            shown.add(number, words_of(opening))
        self._phrases, self._openings = phrases.hashed(), shown.hashed()
        self._copies = _Sequences.of(COPY_WORDS, copies) if copies else None

    def openings(self) -> dict[int, int]:
        """By the number of an opening: how many training documents have its rarest stretch, where any do."""
        counts = {
            number: int(sequences.documents[sequences.texts == number].min())
            for sequences in self._openings
            for number in np.unique(sequences.texts).tolist()
        }
        return {number: count for number, count in counts.items() if count}

    def search(self, training: Iterable[Text]) -> None:
        """Read the training text once, and note what is shared."""
        counted = [*self._phrases, *self._openings]
        for words, numbers, block in _blocks(training) if counted or self._copies else ():
            hashes = _word_hashes(words)
            for sequences in counted:
                entries, _ = sequences.look_up(hashes, numbers)
                sequences.documents += np.bincount(entries, minlength=len(sequences.documents))
            if self._copies is not None:
                self._note_copies(self._copies, *self._copies.look_up(hashes, numbers), block)
        for sequences in self._phrases:
            rare = (sequences.documents > 0) & (sequences.documents <= MOST_DOCUMENTS)
            for entry in np.flatnonzero(rare):
                place = sequences.places[entry]
                self.searched[sequences.texts[entry]].shared[place : place + sequences.length] = True

    def _note_copies(
        self, copies: "_Sequences", entries: np.ndarray, numbers: np.ndarray, block: list[Text]
    ) -> None:
        """Mark texts of which one document of the block has most of the stretches."""
        pairs, counts = np.unique(
            copies.texts[entries].astype(np.int64) * len(block) + numbers, return_counts=True
        )
        texts, documents = np.divmod(pairs, len(block))
        enough = counts >= MOST_COPIED * copies.totals[texts]
        for text, document in zip(texts[enough].tolist(), documents[enough].tolist(), strict=True):
            each = self.searched[text]
            if each.answer is None or _same_answer(each.answer, block[document].learned):
                each.copied = True


def _same_answer(answer: np.ndarray, learned: str) -> bool:
    """Whether a training document teaches at least half of an answer."""
    return bool(len(answer)) and float(np.isin(answer, _answer(words_of(learned))).mean()) >= MOST_SHARED


@dataclass(slots=True)
class _Sequences:
    """All sequences of one length: hashes uint64 [n] sorted, and for each the text that it is from, its place
    there, and the number of training documents that have it; ``totals``: the sequences of each text."""

    length: int
    hashes: np.ndarray
    texts: np.ndarray
    places: np.ndarray
    documents: np.ndarray
    table: np.ndarray
    totals: np.ndarray

    @classmethod
    def of(cls, length: int, parts: Sequence[tuple[int, np.ndarray]]) -> "_Sequences":
        """Of (number of a text, hashes of its sequences)."""
        hashes = np.concatenate([hashes for _, hashes in parts])
        sizes = [len(hashes) for _, hashes in parts]
        texts = np.repeat(np.array([number for number, _ in parts], np.int32), sizes)
        places = np.concatenate([np.arange(size, dtype=np.int32) for size in sizes])
        order = np.argsort(hashes, kind="stable")
        table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        table[_slots(hashes)] = True
        documents = np.zeros(len(hashes), np.int32)
        return cls(length, hashes[order], texts[order], places[order], documents, table, np.bincount(texts))

    def look_up(self, words: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Different pairs of (entry, number of the document) of the words of a block."""
        hashes = _sequence_hashes(words, self.length)
        places = np.flatnonzero(self.table[_slots(hashes)])
        first = np.searchsorted(self.hashes, hashes[places], side="left")
        counts = np.searchsorted(self.hashes, hashes[places], side="right") - first
        documents = np.repeat(numbers[places], counts)
        starts = np.cumsum(counts) - counts
        entries = np.arange(counts.sum()) - np.repeat(starts, counts) + np.repeat(first, counts)
        span = int(numbers[-1]) + 1 if len(numbers) else 1
        pairs = np.unique(entries.astype(np.int64) * span + documents)
        return pairs // span, pairs % span


def _blocks(training: Iterable[Text]) -> Iterator[tuple[list[str], np.ndarray, list[Text]]]:
    """The words of many documents at a time, the number within the block of the document that each is from,
    and the documents. A mark between two documents is no word, and never the same."""
    words: list[str] = []
    sizes: list[int] = []
    block: list[Text] = []
    for number, text in enumerate(training):
        own = words_of(f"{text.read} {text.learned}" if text.read else text.learned)
        words += own
        words.append(f"|{number}")
        sizes.append(len(own) + 1)
        block.append(text)
        if len(words) >= _BLOCK_WORDS:
            yield words, np.repeat(np.arange(len(sizes)), sizes), block
            words, sizes, block = [], [], []
    if block:
        yield words, np.repeat(np.arange(len(sizes)), sizes), block


def _word_hashes(words: list[str]) -> np.ndarray:
    """uint64 [words]: Python's own hash of a string, which differs between processes but not within one."""
    return np.fromiter(map(hash, words), dtype=np.int64, count=len(words)).view(np.uint64)


def _sequence_hashes(words: np.ndarray, length: int) -> np.ndarray:
    """A hash of each ``length`` words in a row: a polynomial in the words' hashes, modulo 2^64."""
    count = max(len(words) - length + 1, 0)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(length):
        hashes *= _FACTOR
        hashes += words[offset : offset + count]
    return hashes


def _slots(hashes: np.ndarray) -> np.ndarray:
    return (hashes >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)
