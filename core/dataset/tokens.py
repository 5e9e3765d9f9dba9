"""How many tokens a text has, counted where the tokenizer is at hand, else estimated with the range; and how
documents are fitted into rows of one length, for the check and the job alike."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.dataset.documents import Message

_DIGITS = b"0123456789"
_NOT_ASCII = bytes(range(128, 256))
#: Bytes a token of English letters, spaces and punctuation in a vocabulary of 32,000: few, usual, many.
#: Three rather rare words a line at one end, plain prose at the other; 4 is the rule of thumb.
_PROSE_BYTES = (4.6, 4.0, 3.2)
#: Tokens a byte beyond ASCII: whole characters of three bytes, something between, each byte on its own.
_FOREIGN_TOKENS = (1 / 3, 0.6, 1.0)
#: A document, and each exchange of a dialog, has the base's start and end.
MARKS = 2
ASSUMPTION = (
    "a token for each digit, as Llama's vocabulary has it, and 4 (3.2 to 4.6) bytes a token for the rest"
)


@dataclass(frozen=True, slots=True)
class Range:
    """A figure between ``low`` and ``high``, most likely ``middle``; all the same where it was counted."""

    low: float
    middle: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.middle + other.middle, self.high + other.high)

    def __mul__(self, factor: float) -> "Range":
        return Range(self.low * factor, self.middle * factor, self.high * factor)

    def rounded(self) -> tuple[int, int]:
        """(low, high) in whole numbers."""
        return math.floor(self.low), math.ceil(self.high)


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """A real tokenizer: its name, and tokens of each of some texts (without start and end).

    ``longest``: the most tokens that the base takes in a row, None = not known. ``marks``: the tokens that
    stand around a text, its start and end. ``dialog``: (read, learned) tokens of each exchange of a dialog in
    the base's own form, all marks included; it answers None where there is no such form.
    """

    name: str
    count: Callable[[Sequence[str]], list[int]]
    longest: int | None = None
    marks: int = MARKS
    dialog: Callable[[Sequence[Message]], list[tuple[int, int]] | None] = lambda messages: None


def estimate(raw: bytes) -> Range:
    """Tokens of UTF-8 text in Llama 2's vocabulary by ASSUMPTION, without start and end."""
    digits = len(raw) - len(raw.translate(None, _DIGITS))
    foreign = len(raw) - len(raw.translate(None, _NOT_ASCII))
    prose = len(raw) - digits - foreign
    low, middle, high = (
        digits + prose / size + foreign * tokens
        for size, tokens in zip(_PROSE_BYTES, _FOREIGN_TOKENS, strict=True)
    )
    return Range(low, middle, high)


def kept_of_prompt(prompt: int, completion: int, length: int) -> int:
    """How many tokens of a prompt are kept so that it fits into a row of ``length`` with its completion.

    A completion that nearly fills a row, or more, still has a quarter of a row of its prompt before it.
    """
    return min(prompt, max(length - completion - MARKS, length // 4))


def pieces(parts: Sequence[int], length: int) -> list[tuple[int, int]]:
    """(first token, size) of the pieces of a document in rows of ``length``. ``parts``: the tokens of each of
    its exchanges, or of its text.

    A document that fits stays whole. A longer dialog is cut between exchanges. What is longer still is cut
    into pieces that overlap by one token, so that each token but the first is predicted once.
    """
    found: list[tuple[int, int]] = []
    begin = end = 0
    for part in parts:
        if end > begin and end + part - begin > length:
            found.append((begin, end - begin))
            begin = end
        end += part
        while end - begin > length:
            found.append((begin, length))
            begin += length - 1
    return [each for each in [*found, (begin, end - begin)] if each[1] > 1]


def rows_for(sizes: Counter[int], length: int) -> int:
    """How many rows of ``length`` tokens hold pieces of these sizes (size: number), by best fit, longest
    first."""
    room: Counter[int] = Counter()  # rows by their free tokens
    rows = 0
    for size in sorted(sizes, reverse=True):
        left = sizes[size]
        for free in sorted(free for free in room if free >= size):
            each = free // size
            taken = min(room[free], -(-left // each))
            _fill(room, free, size, min(left, taken * each), taken)
            left -= min(left, taken * each)
            if not left:
                break
        if left:
            each = length // size
            opened = -(-left // each)
            rows += opened
            room[length] += opened
            _fill(room, length, size, left, opened)
    return rows


def _fill(room: Counter[int], free: int, size: int, pieces: int, rows: int) -> None:
    """Put ``pieces`` of ``size`` into ``rows`` rows with ``free`` tokens left: as many in each as fit."""
    each = free // size
    room[free] -= rows
    if not room[free]:
        del room[free]
    last = pieces - (rows - 1) * each
    for left, count in ((free - each * size, rows - 1), (free - last * size, 1)):
        if left >= 2 and count:
            room[left] += count
