"""Packing: documents of any length into rows of one length, so that hardly any computed token is padding.

A document that fits stays whole. A longer one is cut into pieces that overlap by one token, so that every
token but a document's first is predicted exactly once. Within a row, attention and positions of a piece
start afresh (:mod:`training.batches` makes the masks), so packing changes no result.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenizedDocument:
    """``tokens`` of one document, ends included; predictions count from position ``learn_from`` (≥ 1) on."""

    index: int
    tokens: Sequence[int]
    learn_from: int = 1

    @property
    def targets(self) -> int:
        """How many tokens are predicted."""
        return max(len(self.tokens) - self.learn_from, 0)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one document in a row: ``tokens[learn_from:]`` are predicted from those before them."""

    document: int
    tokens: Sequence[int]
    learn_from: int


Row = tuple[Piece, ...]


def pieces(document: TokenizedDocument, length: int) -> Iterator[Piece]:
    """Cut a document into pieces of at most ``length`` (≥ 2) tokens, each with something to predict."""
    start = 0
    while start == 0 or start + 1 < len(document.tokens):
        tokens = document.tokens[start : start + length]
        learn_from = max(document.learn_from - start, 1)
        if learn_from < len(tokens):
            yield Piece(document.index, tokens, learn_from)
        start += length - 1


def pack(documents: Iterable[TokenizedDocument], length: int) -> list[Row]:
    """Rows of at most ``length`` tokens by best fit, longest pieces first; deterministic, O(n log n)."""
    if length < 2:
        raise ValueError(f"rows of {length} tokens cannot predict anything; use at least 2")
    ordered = sorted(
        (piece for document in documents for piece in pieces(document, length)),
        key=lambda piece: -len(piece.tokens),
    )
    rows: list[list[Piece]] = []
    room: list[tuple[int, int]] = []  # (free tokens, row), sorted
    for piece in ordered:
        place = bisect_left(room, (len(piece.tokens), -1))
        if place == len(room):
            rows.append([piece])
            free, row = length, len(rows) - 1
        else:
            free, row = room.pop(place)
            rows[row].append(piece)
        if free - len(piece.tokens) >= 2:
            insort(room, (free - len(piece.tokens), row))
    return [tuple(row) for row in rows]
