"""Checks that each figure of an answer stands in a cited text, however it is written."""

import re
from collections.abc import Sequence
from decimal import Decimal

_SCALES = {"thousand": 3, "k": 3, **dict.fromkeys(("million", "m", "mn"), 6)}
_SCALES |= {**dict.fromkeys(("billion", "bn", "b"), 9), "trillion": 12}
_FIGURE = re.compile(
    r"(?<![\w.])(?:US\$|[$€£¥])?\s?\(?\s?(?:[$€£¥]\s?)?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\)?"
    r"(?:\s?(thousand|million|billion|trillion|mn|bn|[kmb](?![a-z]))s?\b)?\s?(%|percent\b|percentage\s+points?\b)?",
    re.I,
)
STRUCK = "[figure not found in the sources]"


def figures(text: str) -> list[tuple[Decimal, tuple[int, int]]]:
    """The figures of a text, multiplied out, with their places. Signs are left aside."""
    found = []
    for match in _FIGURE.finditer(text):
        value = Decimal(match[1].replace(",", "")).scaleb(_SCALES.get((match[2] or "").lower(), 0))
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        found.append((value, (start, match.end())))
    return found


def verified(
    answer: str, cited: Sequence[str], *, computed: Sequence[Decimal] = (), question: str = ""
) -> tuple[str, int]:
    """The answer with each figure struck that stands in no cited text, and how many were struck.

    Args:
        computed: results of calculations on cited figures.
        question: years and figures of the question may be repeated.
    """
    known = {value for text in (*cited, question) for value, _ in figures(text)} | set(map(abs, computed))
    struck = 0
    for value, (start, end) in reversed(figures(answer)):
        # The sources may write it in thousands, millions or billions, and the answer in full, or the reverse.
        if not any(value.scaleb(shift) in known for shift in (0, 3, 6, 9, -3, -6, -9)):
            answer = f"{answer[:start]}{STRUCK}{answer[end:]}"
            struck += 1
    return answer, struck
