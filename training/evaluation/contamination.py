"""Contamination: does what is measured also stand in what was trained on?

A text of the held-out side overlaps if one of its 13-word sequences stands in a training document, without
case and punctuation: the rule that GPT-3's authors filtered their training text by (T. Brown et al.,
"Language Models are Few-Shot Learners", 2020, appendix C). Shorter sequences are shared by chance and set
phrases. A text of fewer than 13 words is compared whole, one of fewer than 5 not at all.

Only hashes of the held-out side's sequences are kept; the training side is read once as a stream, in blocks,
so memory does not grow with it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

WORDS = 13
FEWEST_WORDS = 5
_BLOCK_WORDS = 1 << 16
#: Bits of the table that most sequences are dismissed by before the exact look-up.
_TABLE_BITS = 22
_BASE = np.uint64(0x9E3779B97F4A7C15)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Sequences:
    """Hashes of all sequences of one length: uint64 [n] sorted, with the text that each is from, int64 [n]."""

    length: int
    hashes: np.ndarray
    texts: np.ndarray
    starts: np.ndarray
    table: np.ndarray


def overlaps(texts: Sequence[str], training: Iterable[str]) -> dict[int, str]:
    """The positions of the ``texts`` that overlap with the ``training`` texts, with the first shared words."""
    sequences = _index(texts)
    found: dict[int, int] = {}
    if sequences:
        for block in _blocks(training):
            for each in sequences:
                _look_up(each, _hashes(block, each.length), found)
    return {text: _excerpt(texts[text], start) for text, start in sorted(found.items())}


def _index(texts: Sequence[str]) -> list[_Sequences]:
    by_length: dict[int, list[tuple[np.ndarray, int]]] = {}
    for number, text in enumerate(texts):
        words = _word_hashes(text)
        if len(words) >= FEWEST_WORDS:
            length = min(len(words), WORDS)
            by_length.setdefault(length, []).append((_hashes(words, length), number))
    return [_sequences(length, entries) for length, entries in sorted(by_length.items())]


def _sequences(length: int, entries: list[tuple[np.ndarray, int]]) -> _Sequences:
    hashes = np.concatenate([hashes for hashes, _ in entries])
    texts = np.concatenate([np.full(len(hashes), number) for hashes, number in entries])
    starts = np.concatenate([np.arange(len(hashes)) for hashes, _ in entries])
    order = np.argsort(hashes, kind="stable")
    table = np.zeros(1 << _TABLE_BITS, dtype=bool)
    table[_slots(hashes)] = True
    return _Sequences(length, hashes[order], texts[order], starts[order], table)


def _look_up(sequences: _Sequences, hashes: np.ndarray, found: dict[int, int]) -> None:
    candidates = np.unique(hashes[sequences.table[_slots(hashes)]])
    first = np.searchsorted(sequences.hashes, candidates, side="left")
    last = np.searchsorted(sequences.hashes, candidates, side="right")
    for low, high in zip(first, last, strict=True):
        for place in range(low, high):
            text, start = int(sequences.texts[place]), int(sequences.starts[place])
            found[text] = min(start, found.get(text, start))


def _blocks(training: Iterable[str]) -> Iterable[np.ndarray]:
    """Hashes of the words of many documents in one array, an odd one out between each two."""
    parts: list[np.ndarray] = []
    size = 0
    barriers = np.random.default_rng(0)
    for text in training:
        barrier = barriers.integers(1 << 63, size=1, dtype=np.uint64)
        parts += [_word_hashes(text), barrier]
        size += len(parts[-2]) + 1
        if size >= _BLOCK_WORDS:
            yield np.concatenate(parts)
            parts, size = [], 0
    if parts:
        yield np.concatenate(parts)


def _word_hashes(text: str) -> np.ndarray:
    """uint64 [words]; Python's own hash of a string, which differs between processes but not within one."""
    words = _WORD.findall(text.lower())
    return np.fromiter(map(hash, words), dtype=np.int64, count=len(words)).view(np.uint64)


def _hashes(words: np.ndarray, length: int) -> np.ndarray:
    """A hash of each ``length`` words in a row: a polynomial in the words' hashes, modulo 2^64."""
    count = max(len(words) - length + 1, 0)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(length):
        hashes *= _BASE
        hashes += words[offset : offset + count]
    return hashes


def _slots(hashes: np.ndarray) -> np.ndarray:
    return (hashes >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)


def _excerpt(text: str, start: int) -> str:
    return " ".join(_WORD.findall(text.lower())[start : start + WORDS])
