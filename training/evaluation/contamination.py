"""Contamination: does what is measured also stand in what was trained on?

A text of the measured side overlaps if one of its 13-word sequences stands in a training document, without
case and punctuation: the rule that GPT-3's authors filtered their training text by (T. Brown et al.,
"Language Models are Few-Shot Learners", 2020, appendix C). Shorter sequences are shared by chance and set
phrases. A text of fewer than 13 words is compared whole, one of fewer than 8 (their least) not at all.

Only hashes of the measured side's sequences are kept (16 bytes a word); the training side is read once as a
stream, in blocks, so memory does not grow with it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

WORDS = 13
FEWEST_WORDS = 8
_BLOCK_WORDS = 1 << 16
#: Bits of the table by which most sequences are dismissed before the exact look-up.
_TABLE_BITS = 22
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Overlaps:
    """What also stands in the training text: positions of held-out documents and ids of items, each with the
    words that are shared."""

    documents: Mapping[int, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)


def find_overlaps(documents: Iterable[str], items: Mapping[str, str], training: Iterable[str]) -> Overlaps:
    """Look for held-out ``documents``, and for ``items`` (id → text), in the ``training`` texts."""
    ids = list(items)
    found = overlapping(chain(items.values(), documents), training)
    return Overlaps(
        {number - len(ids): words for number, words in found.items() if number >= len(ids)},
        {ids[number]: words for number, words in found.items() if number < len(ids)},
    )


def overlapping(texts: Iterable[str], training: Iterable[str]) -> dict[int, str]:
    """Positions of the ``texts`` that overlap with the ``training`` texts, with the first words found."""
    sequences = _index(texts)
    found: dict[int, str] = {}
    for words in _blocks(training) if sequences else ():
        hashes = _word_hashes(words)
        for each in sequences:
            for place, numbers in each.look_up(_sequence_hashes(hashes, each.length)):
                for number in numbers:
                    found.setdefault(number, " ".join(words[place : place + each.length]))
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class _Sequences:
    """Hashes of all sequences of one length: uint64 [n] sorted, and the text that each is from: int64 [n]."""

    length: int
    hashes: np.ndarray
    texts: np.ndarray
    table: np.ndarray

    def look_up(self, hashes: np.ndarray) -> Iterator[tuple[int, list[int]]]:
        """(place in ``hashes``, texts) of those that are here."""
        places = np.flatnonzero(self.table[_slots(hashes)])
        first = np.searchsorted(self.hashes, hashes[places], side="left")
        last = np.searchsorted(self.hashes, hashes[places], side="right")
        for place, low, high in zip(places, first, last, strict=True):
            if high > low:
                yield int(place), self.texts[low:high].tolist()


def _index(texts: Iterable[str]) -> list[_Sequences]:
    by_length: dict[int, list[tuple[np.ndarray, int]]] = {}
    for number, text in enumerate(texts):
        words = _WORD.findall(text.lower())
        if len(words) >= FEWEST_WORDS:
            length = min(len(words), WORDS)
            hashes = _sequence_hashes(_word_hashes(words), length)
            by_length.setdefault(length, []).append((hashes, number))
    return [_sequences(length, entries) for length, entries in sorted(by_length.items())]


def _sequences(length: int, entries: list[tuple[np.ndarray, int]]) -> _Sequences:
    hashes = np.concatenate([hashes for hashes, _ in entries])
    texts = np.concatenate([np.full(len(hashes), number) for hashes, number in entries])
    order = np.argsort(hashes, kind="stable")
    table = np.zeros(1 << _TABLE_BITS, dtype=bool)
    table[_slots(hashes)] = True
    return _Sequences(length, hashes[order], texts[order], table)


def _blocks(training: Iterable[str]) -> Iterator[list[str]]:
    """The words of many documents at a time; what stands between two is no word, and never the same."""
    block: list[str] = []
    for number, text in enumerate(training):
        block += _WORD.findall(text.lower())
        block.append(f"|{number}")
        if len(block) >= _BLOCK_WORDS:
            yield block
            block = []
    if block:
        yield block


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
