"""How many tokens a text has: counted where the tokenizer is at hand, else estimated, with the range."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_DIGITS = b"0123456789"
_NOT_ASCII = bytes(range(128, 256))
#: Bytes a token of English letters, spaces and punctuation in a vocabulary of 32,000: few, usual, many.
#: Three rather rare words a line at one end, plain prose at the other; 4 is the rule of thumb.
_PROSE_BYTES = (4.6, 4.0, 3.2)
#: Tokens a byte beyond ASCII: whole characters of three bytes, something between, each byte on its own.
_FOREIGN_TOKENS = (1 / 3, 0.6, 1.0)
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
    """A real tokenizer: its name, and tokens of each of some texts (without start and end)."""

    name: str
    count: Callable[[Sequence[str]], list[int]]


def estimate(raw: bytes) -> Range:
    """Tokens of UTF-8 text in Llama 2's vocabulary by ASSUMPTION; two more for the document's ends."""
    digits = len(raw) - len(raw.translate(None, _DIGITS))
    foreign = len(raw) - len(raw.translate(None, _NOT_ASCII))
    prose = len(raw) - digits - foreign
    low, middle, high = (
        digits + prose / size + foreign * tokens + 2
        for size, tokens in zip(_PROSE_BYTES, _FOREIGN_TOKENS, strict=True)
    )
    return Range(low, middle, high)
