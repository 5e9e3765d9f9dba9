"""Packing: documents of any length into rows of one length, so that hardly any computed token is padding.

A document that fits stays whole. A longer dialog is cut between its exchanges. What is longer still is cut
into pieces that overlap by one token, so that every token but the first is predicted exactly once. Within a
row, attention and positions of a piece start afresh (:mod:`training.model.attention`), so packing
changes no result.

Tokens may lie in a file far larger than memory; the index of the rows is arrays, about 40 bytes a piece
while it is made and 20 afterwards.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from core.dataset.tokens import pieces

Integers = npt.NDArray[np.integer[Any]]


def read_only(tokens: Sequence[int]) -> list[int]:
    """Mark tokens as read but not learned (a prompt): each is stored as its complement, a negative number."""
    return [~token for token in tokens]


@dataclass(frozen=True, slots=True)
class TokenizedDocument:
    """``tokens`` of one document, ends included. Predicted are those from position ``learn_from`` (≥ 1) on,
    without what :func:`read_only` marks among them."""

    index: int
    tokens: Sequence[int] | Integers
    learn_from: int = 1

    @property
    def targets(self) -> int:
        """The number of tokens that are predicted."""
        return int((np.asarray(self.tokens)[self.learn_from :] >= 0).sum())

    @property
    def marked(self) -> Integers:
        """The tokens, with all that is not predicted (but for the first) marked by complement."""
        tokens = np.array(self.tokens, np.int64)
        opening = tokens[: self.learn_from]
        if self.learn_from > 1:
            tokens[: self.learn_from] = np.where(opening < 0, opening, ~opening)
        return tokens


@dataclass(frozen=True, slots=True)
class Scored:
    """A document to be scored: its tokens and the size in bytes of the text that is predicted."""

    document: TokenizedDocument
    bytes: int


@dataclass(frozen=True, slots=True)
class TokenizedDocuments:
    """Many documents: the i-th is ``tokens[starts[i]:ends[i]]``, has the number ``numbers[i]`` and
    ``targets[i]`` tokens to predict. ``tokens`` may be mapped from a file."""

    tokens: Integers
    starts: Integers
    ends: Integers
    numbers: Integers
    targets: Integers

    @classmethod
    def of(cls, documents: Iterable[TokenizedDocument]) -> "TokenizedDocuments":
        """Put documents in memory one behind the other."""
        given = list(documents)
        sizes = np.array([len(document.tokens) for document in given], np.int64)
        tokens = np.concatenate([document.marked for document in given] or [sizes])
        ends = np.cumsum(sizes)
        numbers = np.array([document.index for document in given], np.int64)
        targets = np.array([document.targets for document in given], np.int64)
        return cls(tokens, ends - sizes, ends, numbers, targets)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, place: int) -> TokenizedDocument:
        tokens = self.tokens[self.starts[place] : self.ends[place]]
        return TokenizedDocument(int(self.numbers[place]), tokens)

    def among(self, places: Integers) -> "TokenizedDocuments":
        """The rows of only some of the documents."""
        columns = (self.starts, self.ends, self.numbers, self.targets)
        return TokenizedDocuments(self.tokens, *(column[places] for column in columns))


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one document in a row; all but its first token and those only read are predicted."""

    document: int
    tokens: Integers


Row = tuple[Piece, ...]


class PackedRows(Sequence[Row]):
    """Rows by number, cut out of the tokens when asked for; a slice shares them."""

    def __init__(
        self,
        tokens: Integers,
        pieces: tuple[Integers, Integers, Integers],
        bounds: Integers,
        order: Integers | None = None,
    ) -> None:
        """``pieces``: where each begins, its size and its document; row r has ``bounds[r]:bounds[r + 1]``."""
        self._tokens, self._pieces, self._bounds = tokens, pieces, bounds
        self._order = np.arange(len(bounds) - 1) if order is None else order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> "PackedRows": ...
    def __getitem__(self, place: int | slice) -> "Row | PackedRows":
        if isinstance(place, slice):
            return PackedRows(self._tokens, self._pieces, self._bounds, self._order[place])
        row = self._order[place]
        begins, sizes, documents = (
            column[self._bounds[row] : self._bounds[row + 1]].tolist() for column in self._pieces
        )
        return tuple(
            Piece(document, self._tokens[begin : begin + size])
            for begin, size, document in zip(begins, sizes, documents, strict=True)
        )

    @property
    def filled(self) -> int:
        """Tokens in all rows together, those that overlap counted twice."""
        sums = np.concatenate([[0], np.cumsum(self._pieces[1], dtype=np.int64)])[self._bounds]
        return int((sums[self._order + 1] - sums[self._order]).sum())

    @staticmethod
    def joined(parts: Sequence["PackedRows"]) -> "PackedRows":
        """Rows of the same tokens behind each other; each part whole, as :func:`pack` gave it."""
        pieces = [np.concatenate([part._pieces[column] for part in parts]) for column in range(3)]
        sizes = np.concatenate([np.diff(part._bounds) for part in parts])
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        return PackedRows(parts[0]._tokens, (pieces[0], pieces[1], pieces[2]), bounds)


def pack(documents: TokenizedDocuments | Iterable[TokenizedDocument], length: int) -> PackedRows:
    """Rows of at most ``length`` tokens by best fit, longest pieces first; deterministic."""
    if length < 2:
        raise ValueError(f"rows of {length} tokens cannot predict anything; use at least 2")
    given = documents if isinstance(documents, TokenizedDocuments) else TokenizedDocuments.of(documents)
    begins, sizes, numbers = _pieces(given, length)
    longest_first = np.argsort(-sizes, kind="stable")
    rows = np.empty(len(sizes), np.int32)
    rows[longest_first] = _best_fit(sizes[longest_first], length)
    by_row = longest_first[np.argsort(rows[longest_first], kind="stable")]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(rows))]).astype(np.int64)
    return PackedRows(given.tokens, (begins[by_row], sizes[by_row], numbers[by_row]), bounds)


def _pieces(documents: TokenizedDocuments, length: int) -> tuple[Integers, Integers, Integers]:
    """(begin, size, document) of every piece with something to predict."""
    totals = documents.ends - documents.starts
    prompted = np.flatnonzero((totals > length) & (documents.targets < totals - 1))
    counts = np.where(totals > 1, -(-(totals - 1) // (length - 1)), 0)
    counts[prompted] = 0
    owner = np.repeat(np.arange(len(documents), dtype=np.int32), counts)
    first = np.cumsum(counts) - counts
    begins = documents.starts[owner] + (np.arange(len(owner)) - first[owner]) * (length - 1)
    sizes = np.minimum(documents.ends[owner] - begins, length).astype(np.int32)
    cut = [
        (place, begin, size)
        for place in prompted.tolist()
        for begin, size in _exchanges(documents, place, length)
    ]
    more = np.array(cut, np.int64).reshape(-1, 3).T
    begins, sizes = np.concatenate([begins, more[1]]), np.concatenate([sizes, more[2]]).astype(np.int32)
    owner = np.concatenate([owner, more[0]]).astype(np.int32)
    kept = np.ones(len(owner), bool)
    for place in np.flatnonzero((documents.targets < totals - 1)[owner]):  # with tokens that are only read
        kept[place] = (documents.tokens[begins[place] + 1 : begins[place] + sizes[place]] >= 0).any()
    return begins[kept], sizes[kept], documents.numbers[owner[kept]]


def _exchanges(documents: TokenizedDocuments, place: int, length: int) -> list[tuple[int, int]]:
    """(begin, size) of the pieces of a long document with prompts, cut before prompts where possible."""
    start = int(documents.starts[place])
    read = np.asarray(documents.tokens[start : documents.ends[place]]) < 0
    bounds = [0, *(np.flatnonzero(read[1:] & ~read[:-1]) + 1).tolist(), len(read)]
    parts = [after - before for before, after in pairwise(bounds)]
    return [(start + begin, size) for begin, size in pieces(parts, length)]


class _Room:
    """Rows by their free tokens; many rows with as many free are one array."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Integers]] = {}
        self._there = 0  # bit f is set where rows with f free tokens are

    def put(self, free: int, rows: Integers) -> None:
        if free >= 2 and len(rows):
            self._rows.setdefault(free, []).append(rows)
            self._there |= 1 << free

    def take(self, size: int) -> tuple[int, Integers] | None:
        """Some rows with the least room that is enough."""
        fitting = self._there >> size
        if not fitting:
            return None
        free = size + (fitting & -fitting).bit_length() - 1
        rows = self._rows[free].pop()
        if not self._rows[free]:
            self._there ^= 1 << free
        return free, rows


def _best_fit(sizes: Integers, length: int) -> Integers:
    """The row of each piece; ``sizes`` descend.

    Pieces of one size are placed together: best fit puts one into the row with the least room, which then
    has even less, and so takes as many of them as it can before any other row is looked at.
    """
    rows = np.empty(len(sizes), np.int32)
    room, used, place = _Room(), 0, 0
    each_size, counts = np.unique(sizes, return_counts=True)
    for size, left in zip(each_size[::-1].tolist(), counts[::-1].tolist(), strict=True):
        while left:
            found = room.take(size)
            free, candidates = found or (length, np.arange(used, used - (-left // (length // size))))
            if found is None:
                used += len(candidates)
            each = free // size
            wanted = min(len(candidates), -(-left // each))
            chosen, rest = candidates[:wanted], candidates[wanted:]
            placed = np.repeat(chosen, each)[:left]
            rows[place : place + len(placed)] = placed
            in_last = len(placed) - (wanted - 1) * each
            room.put(free, rest)
            room.put(free - each * size, chosen[:-1])
            room.put(free - in_last * size, chosen[-1:])
            place += len(placed)
            left -= len(placed)
    return rows
