"""Contamination: does what is measured also stand in what was trained on?

Words are compared without case and punctuation. Two things are looked for:

- Shared stretches: WORDS words in a row that stand in a training document too. They are left out of the
  figures, as token by token in the Llama 2 paper (H. Touvron et al., 2023, appendix A.6). A stretch that
  stands in more than MOST_DOCUMENTS training documents is a set phrase of the trade ("legal boilerplate") and
  is ignored, as GPT-3's authors do (T. Brown et al., 2020, appendix C).
- Copies: a text of which one training document has half of the stretches of COPY_WORDS words. This finds
  copies with words changed here and there, and copies that are repeated so often that they look like set
  phrases. It is the containment that MinHash estimates (A. Broder, 1997), here counted exactly.

A text is left out whole if it is a copy or if shared stretches make up more than half of it. Texts of fewer
than FEWEST_WORDS words are too short to be told apart; of such an answer the prompt is looked for too, and
it counts only where the training document gives the same answer.

Only hashes of the measured side are kept (about 50 bytes a word). The training side is read once as a stream,
in blocks, so memory does not grow with it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

WORDS = 13
FEWEST_WORDS = 8
COPY_WORDS = 5
MOST_DOCUMENTS = 10
MOST_SHARED = 0.5
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
    """What also stands in the training text, by id.

    Attributes:
        documents: held-out documents that are left out whole, with some of the shared words.
        items: the same for questions and paragraphs.
        stretches: characters (from, to) of the learned text of other held-out documents that are left out.
    """

    documents: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    stretches: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


def find_overlaps(
    documents: Mapping[str, Text], items: Mapping[str, str], training: Iterable[Text]
) -> Overlaps:
    """Look for held-out ``documents`` and for ``items`` (id → text) in the ``training`` documents."""
    searched = [_Searched.of(name, text) for name, text in documents.items()]
    searched += [_Searched.of(name, Text("", text), item=True) for name, text in items.items()]
    found = [each for each in searched if len(each.words) >= FEWEST_WORDS]
    _search(found, training)
    left_out = {(each.item, each.name): each.example for each in found if each.left_out}
    return Overlaps(
        {name: words for (item, name), words in left_out.items() if not item},
        {name: words for (item, name), words in left_out.items() if item},
        {each.name: each.stretches for each in found if not each.item and not each.left_out and each.stretches},
    )


@dataclass(slots=True)
class _Searched:
    """A text that is looked for; ``answer`` is what a training document must give too, "" = nothing."""

    name: str
    item: bool
    text: str
    answer: str
    words: list[str]
    shared: np.ndarray  # bool [words]: part of a shared stretch
    copied: str = ""

    @classmethod
    def of(cls, name: str, text: Text, *, item: bool = False) -> "_Searched":
        learned = words_of(text.learned)
        alone = len(learned) >= FEWEST_WORDS or not text.read
        whole = text.learned if alone else f"{text.read} {text.learned}"
        words = learned if alone else words_of(whole)
        answer = "" if alone else " ".join(learned)
        return cls(name, item, whole, answer, words, np.zeros(len(words), bool))

    @property
    def left_out(self) -> bool:
        return bool(self.copied) or (not self.answer and float(self.shared.mean()) > MOST_SHARED)

    @property
    def example(self) -> str:
        if self.copied:
            return self.copied
        first = int(np.flatnonzero(self.shared)[0])
        return " ".join(self.words[first : first + WORDS])

    @property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """Characters (from, to) of each shared stretch."""
        if self.answer or not self.shared.any():
            return ()
        places = [match.span() for match in _WORD.finditer(self.text.lower())]
        edges = np.flatnonzero(np.diff(np.concatenate([[0], self.shared.astype(np.int8), [0]])))
        return tuple(
            (places[start][0], places[end - 1][1]) for start, end in zip(edges[::2], edges[1::2], strict=True)
        )


def words_of(text: str) -> list[str]:
    """The words that are compared."""
    return _WORD.findall(text.lower())


def _search(searched: list[_Searched], training: Iterable[Text]) -> None:
    if not searched:
        return
    phrases = [
        _Sequences.of(searched, length) for length in sorted({min(len(s.words), WORDS) for s in searched})
    ]
    copies = _Sequences.of(searched, COPY_WORDS, every=True)
    for words, numbers, block in _blocks(training):
        hashes = _word_hashes(words)
        for sequences in phrases:
            entries, _ = sequences.look_up(hashes, numbers)
            sequences.documents += np.bincount(entries, minlength=len(sequences.documents))
        _note_copies(searched, copies, *copies.look_up(hashes, numbers), block)
    for sequences in phrases:
        rare = (sequences.documents > 0) & (sequences.documents <= MOST_DOCUMENTS)
        for entry in np.flatnonzero(rare):
            place = sequences.places[entry]
            searched[sequences.texts[entry]].shared[place : place + sequences.length] = True


def _note_copies(
    searched: list[_Searched], copies: "_Sequences", entries: np.ndarray, numbers: np.ndarray, block: list[Text]
) -> None:
    """Mark texts of which one document of the block has half of the stretches."""
    if not len(entries):
        return
    pairs, counts = np.unique(copies.texts[entries] * len(block) + numbers, return_counts=True)
    texts, documents = np.divmod(pairs, len(block))
    enough = counts >= MOST_SHARED * copies.totals[texts]
    for text, document in zip(texts[enough].tolist(), documents[enough].tolist(), strict=True):
        each = searched[text]
        if not each.copied and (not each.answer or each.answer == " ".join(words_of(block[document].learned))):
            each.copied = " ".join(each.words[:WORDS])


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
    def of(cls, searched: list[_Searched], length: int, *, every: bool = False) -> "_Sequences":
        """The sequences of all texts, or only of those that are compared at this length."""
        taken = [n for n, each in enumerate(searched) if every or min(len(each.words), WORDS) == length]
        parts = [_sequence_hashes(_word_hashes(searched[n].words), length) for n in taken]
        hashes = np.concatenate(parts)
        texts = np.repeat(np.array(taken, np.int64), [len(part) for part in parts])
        places = np.concatenate([np.arange(len(part)) for part in parts])
        order = np.argsort(hashes, kind="stable")
        table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        table[_slots(hashes)] = True
        totals = np.bincount(texts, minlength=len(searched))
        return cls(
            length, hashes[order], texts[order], places[order], np.zeros(len(hashes), np.int64), table, totals
        )

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
        pairs = np.unique(entries * span + documents)
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
