"""What should not be taught to a model: credentials and personal data, found by pattern.

The findings hold counts and the first place, never the value: reports and logs must not spread it.
"""

import re
from collections.abc import Iterator

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("e-mail address", re.compile(r"\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,24}\b")),
    ("AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    (
        "password or API key",
        re.compile(r"(?i)\b(?:password|passwd|api[_-]?key|secret[_-]?key)\s*[:=]\s*['\"]?[^\s'\"]{8,}"),
    ),
    ("US social security number", re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b")),
)
#: Four groups of four, or American Express's 4-6-5; the separator stays the same within a number.
_CARD = re.compile(
    r"(?<![\d.,$-])(?:[3-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\d%]|[.,]\d)"
)


def luhn_valid(digits: str) -> bool:
    """Whether a string of digits passes the check that payment cards carry (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def find_private(text: str) -> Iterator[str]:
    """The kind of each finding in ``text``, such as ``"e-mail address"``, once for every occurrence."""
    for kind, pattern in _PATTERNS:
        for _ in pattern.finditer(text):
            yield kind
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if luhn_valid(digits):
            yield "payment card number"
