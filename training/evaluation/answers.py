"""Reading answers: quantities with units and scales, exact match, and numbers that stand in a context.

Standard library only.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

_SCALES = {
    "%": "0.01",
    "percent": "0.01",
    "per cent": "0.01",
    "percentage points": "0.01",
    "basis points": "0.0001",
    "thousand": "1e3",
    "k": "1e3",
    "million": "1e6",
    "mn": "1e6",
    "m": "1e6",
    "billion": "1e9",
    "bn": "1e9",
    "b": "1e9",
}
_CURRENCIES = {"dollars": "$", "dollar": "$", "euros": "€", "euro": "€", "pounds": "£", "yen": "¥"}
_WORDS = "|".join(re.escape(word) for word in sorted(_SCALES, key=len, reverse=True) if word != "%")
#: A number with what belongs to it: "$(9.8) million", "-12.6%", "1,496.5", "75 basis points", "3 bn euros".
_QUANTITY = re.compile(
    r"(?<![\w.,])(?P<minus>[-−–])?\s?(?P<unit>[$€£¥])?\s?(?P<inner>[-−–])?(?P<bracket>\()?\s?(?P<late>[$€£¥])?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:\.\d{1,12})?|\.\d{1,12})(?!\d)(?(bracket)\s?\)?)"
    rf"(?:\s?(?P<percent>%)|[\s-]?(?P<scale>{_WORDS})\b)?(?:\s(?P<currency>{'|'.join(_CURRENCIES)})\b)?",
    re.IGNORECASE,
)
_CONNECTIVES = {"and", "or", "as", "well"}
_ARTICLES = {"a", "an", "the"}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written: ``value`` without its scale, ``scale`` as a factor (None = none named),
    ``unit`` a currency sign or "", ``bracketed`` where brackets may mean a minus."""

    value: Decimal
    decimals: int
    scale: Decimal | None
    unit: str
    bracketed: bool


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order; letters directly before a number make it part of a name ("Q3")."""
    return [_quantity(match) for match in _QUANTITY.finditer(text)]


def exact_match(prediction: str, answers: Sequence[str], *, scale: str = "", question: str = "") -> bool:
    """Whether the first line of ``prediction`` gives all ``answers`` and nothing else.

    Text is compared without case, punctuation and articles. Where the one answer is a number, the
    prediction's first number counts that the ``question`` does not state (else its first). It must be equal
    at the answer's number of decimals after both scales are applied; a number without a scale may also be in
    the answer's (a table "in thousands" is answered so). Two different currency signs do not match.
    """
    line = next((line for line in prediction.strip().splitlines()), "").strip()
    if len(answers) == 1 and (right := _whole(answers[0])) is not None:
        given = quantities(line)
        asked = {quantity.value for quantity in quantities(question)}
        fresh = [quantity for quantity in given if quantity.value not in asked]
        return any(_equal(quantity, right, scale) for quantity in (fresh or given)[:1])
    return _same_parts(line, answers)


def faithfulness(answer: str, context: str) -> float | None:
    """Share of the numbers in ``answer`` that stand in ``context``; None if it has no number.

    Compared as figures, without sign, unit and scale.
    """
    known = {abs(quantity.value) for quantity in quantities(context)}
    written = [abs(quantity.value) for quantity in quantities(answer)]
    return sum(value in known for value in written) / len(written) if written else None


def _quantity(match: re.Match[str]) -> Quantity:
    digits = match["digits"].replace(",", "")
    bracketed = match["bracket"] is not None
    negative = match["minus"] or match["inner"] or bracketed
    word = (match["percent"] or match["scale"] or "").lower()
    unit = match["unit"] or match["late"] or _CURRENCIES.get((match["currency"] or "").lower(), "")
    return Quantity(
        value=-Decimal(digits) if negative else Decimal(digits),
        decimals=len(digits.partition(".")[2]),
        scale=Decimal(_SCALES[word]) if word else None,
        unit=unit,
        bracketed=bracketed,
    )


def _whole(text: str) -> Quantity | None:
    """The quantity that is all of ``text``."""
    match = _QUANTITY.fullmatch(text.strip())
    return None if match is None else _quantity(match)


def _equal(given: Quantity, right: Quantity, scale: str) -> bool:
    if given.unit and right.unit and given.unit != right.unit:
        return False
    factor = right.scale or (Decimal(_SCALES[scale]) if scale else Decimal(1))
    with localcontext(prec=60):  # the longest numbers read, in the smallest scale
        candidates = [given.value * (given.scale or 1) / factor]
        if given.scale is None:
            candidates.append(given.value)
        if given.bracketed or right.bracketed:
            candidates += [-candidate for candidate in candidates]
        step = Decimal(1).scaleb(-right.decimals)
        return any(candidate.quantize(step, ROUND_HALF_UP) == right.value for candidate in candidates)


def _same_parts(line: str, answers: Sequence[str]) -> bool:
    """Whether the words are those of all answers, in any order of answers, with only connectives between."""
    words = list(_words(line))
    for answer in sorted((list(_words(answer)) for answer in answers), key=len, reverse=True):
        place = next((i for i in range(len(words)) if words[i : i + len(answer)] == answer), None)
        if place is None:
            return False
        words[place : place + len(answer)] = ["and"]  # what is used cannot be used again
    return len(answers) > 0 and set(words) <= (_CONNECTIVES if len(answers) > 1 else {"and"})


def _words(text: str) -> Iterator[str]:
    for word in re.findall(r"[^\W_]+(?:[.,]\d+)*|[$€£¥%]", text.lower()):
        if word not in _ARTICLES:
            yield word.replace(",", "")
