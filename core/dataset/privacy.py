"""Finds credentials and personal data, which a model should not be taught, by pattern.

The findings hold counts and the first place, never the value: reports and logs must not spread it.
"""

import re
from collections.abc import Iterator

#: Kind, words of which lower-case text must hold one for a (slow) search to be worth it, and the pattern.
_PATTERNS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    ("e-mail address", ("@",), re.compile(r"\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,24}\b")),
    ("AWS access key", ("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("private key", ("-----begin",), re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    (
        "password or API key",
        ("passw", "api_key", "api-key", "apikey", "secret"),
        re.compile(r"(?i)\b(?:password|passwd|api[_-]?key|secret[_-]?key)\s*[:=]\s*['\"]?[^\s'\"]{8,}"),
    ),
)
_SOCIAL_SECURITY = re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b")
#: What numbers of people and cards begin with; most texts have nothing like it.
_LONG_NUMBER = re.compile(r"\d{3}(?:\d[ -]?\d{4}|-\d\d-)")
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
    lowered = text.lower()
    for kind, words, pattern in _PATTERNS:
        if any(word in lowered for word in words):
            for _ in pattern.finditer(text):
                yield kind
    if not _LONG_NUMBER.search(text):
        return
    for _ in _SOCIAL_SECURITY.finditer(text):
        yield "US social security number"
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if luhn_valid(digits):
            yield "payment card number"
