"""Reads the figures of a sentence: numbers in digits or words, with sign, scale and currency.

Standard library only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_SCALE_WORDS = {
    "0.01": "% | percent | per cent | percentage points | percentage point | pp | ppt",
    "0.0001": "basis points | basis point | bps | bp",
    "1e3": "thousand | thousands | k",
    "1e5": "lakh",
    "1e6": "million | millions | mln | mn | mil | mm | m",
    "1e7": "crore",
    "1e9": "billion | billions | bn | bil | b",
    "1e12": "trillion | trillions | tn",
}
SCALES = {word: factor for factor, words in _SCALE_WORDS.items() for word in words.split(" | ")}
_CURRENCY_WORDS = {
    "$": "dollars | dollar | usd | us dollars | u.s. dollars",
    "€": "euros | euro | eur",
    "£": "pounds | pound | gbp",
    "¥": "yen | jpy",
    "₹": "rupees | inr",
    "fr": "francs | chf",
}
_CURRENCIES = {word: sign for sign, words in _CURRENCY_WORDS.items() for word in words.split(" | ")}
_CODES = "USD|EUR|GBP|JPY|INR|CHF"


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


#: A number with what belongs to it: "$(9.8) million", "-12.6%", "1,496.5", "75 basis points", "3 bn euros".
QUANTITY = re.compile(
    rf"(?<![\w.,])(?P<minus>[-−–])?\s?(?P<unit>(?:US|CA?|AU?|NZ|HK|S|NT|R)?\$|[€£¥₹]|(?:{_CODES})\s?)?\s?(?P<inner>[-−–])?"
    r"(?P<bracket>\()?\s?(?P<late>[$€£¥₹])?(?P<after>[-−–])?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:\.\d{1,12})?|\.\d{1,12})(?!\d)(?(bracket)\s?%?\s?\)?)"
    rf"(?:\s?(?P<percent>%)|[\s-]?(?P<scale>{_longest_first(SCALES.keys() - {'%'})})\b)?"
    rf"(?:\s?(?P<cents>¢|(?:euro )?cents?\b|pence\b)|\s(?P<currency>{_longest_first(_CURRENCIES)})\b)?",
    re.IGNORECASE,
)
_ONES = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen",
)
_TENS = re.findall(r"\w+", "twenty thirty forty fifty sixty seventy eighty ninety")
_VALUES = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_SPELLED = re.compile(
    rf"\b(?P<tens>{'|'.join(_TENS)})[- ](?P<ones>{'|'.join(_ONES[1:10])})\b"
    rf"|\b(?P<alone>{'|'.join([*_TENS, *sorted(_ONES, key=len, reverse=True)])})\b",
    re.IGNORECASE,
)
_HUNDREDS = re.compile(
    r"(?<![\d.,])(?P<hundreds>[1-9]|a) hundred(?:(?: and)? (?P<rest>\d{1,2}))?(?![\d.,])", re.I
)
_THOUSANDS = re.compile(
    r"(?<![\d.,])(\d{1,3}) thousand(?:,| and)? (\d{1,3})(?![\d.,]|\s(?:thousand|m|b))", re.I
)
_POINT = re.compile(r"(?<![\d.,])(\d{1,3}) point (\d(?: \d){0,3})(?![\d.,])", re.I)
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75", "1/2": ".5", "1/4": ".25", "3/4": ".75"} | {
    f"{n}/8": str(n / 8)[1:] for n in (1, 3, 5, 7)
}
_FRACTION = re.compile(rf"(?<![\d.,/])(\d{{1,3}})(?: | ?(?=[½¼¾]))({'|'.join(_FRACTIONS)})(?![\d/])")
_HALF = re.compile(r"(?<![\d.,])(\d{1,3}) and a half\b", re.I)
_GROUPED = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
#: Thousands apart by a plain space, where a currency, a scale or nothing else says that it is one figure.
_SPACED = re.compile(
    r"(?<![\d.,])(?P<unit>[$€£¥₹]\s?)?(?P<figure>\d{1,3}(?: \d{3})+(?:\.\d+)?)(?![\d.,]\d)"
    rf"(?P<scale>\s(?:{_longest_first(SCALES.keys() - {'%'})})\b)?",
    re.IGNORECASE,
)
#: A dash with spaces around it, after a word: "France – $610 million".
_DASH_BETWEEN = re.compile(r"[A-Za-z)]\s[-−–]\s")
_SCIENTIFIC = re.compile(r"(?<![\w.,])\d{1,6}(?:\.\d{1,9})?e\+?\d{1,2}\b", re.IGNORECASE)
_NOUNS = (
    "times|x|days?|weeks?|months?|quarters?|years?|shares?|employees|people|workers|stores|restaurants"
    "|locations|warehouses|countries|states|segments|units|barrels|customers|subscribers|members|hours|miles"
)
_COUNTED = re.compile(rf"{QUANTITY.pattern}\s?(?:{_NOUNS})\.?", re.IGNORECASE)


_PURSE = re.compile(r"(\d+) dollars? and (\d{2}) cents?\b", re.I)
_SPAN = re.compile(r"[\s-]?(day|week|month|quarter|year)s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written.

    Attributes:
        value: the number without its scale.
        decimals: how many decimals were written.
        scale: a factor; None = none named.
        unit: a currency sign or "".
        bracketed: brackets, which may mean a minus, stand around it.
        start: the place of its first character.
        digits: how many significant digits were written.
    """

    value: Decimal
    decimals: int
    scale: Decimal | None
    unit: str
    bracketed: bool
    start: int = 0
    end: int = 0
    digits: int = 0


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order; letters directly before a number make it part of a name ("Q3")."""
    return [_quantity(match) for match in QUANTITY.finditer(text)]


def whole(text: str) -> Quantity | None:
    """The quantity that is all of ``text``; a unit that is counted ("37.9 times") may follow it."""
    text = text.strip()
    match = QUANTITY.fullmatch(text)
    if match is None and _COUNTED.fullmatch(text):
        match = QUANTITY.match(text)
    return None if match is None else _quantity(match)


def span_of_time(text: str, quantity: Quantity) -> str:
    """The unit of time that follows a number: "day", "month", …; "" if none does."""
    match = _SPAN.match(text, quantity.end)
    return match[1].lower() if match else ""


def digits(text: str) -> str:
    """``text`` with number words and fractions as figures: "twenty-one" → "21", "3 1/4" → "3.25"."""

    def figure(match: re.Match[str]) -> str:
        if match["tens"]:
            return str(_VALUES[match["tens"].lower()] + _VALUES[match["ones"].lower()])
        return str(_VALUES[match["alone"].lower()])

    def hundreds(match: re.Match[str]) -> str:
        count = 1 if match["hundreds"].lower() == "a" else int(match["hundreds"])
        return str(100 * count + int(match["rest"] or 0))

    text = _SCIENTIFIC.sub(lambda match: f"{Decimal(match[0]):f}", _SPACED.sub(_joined, text))
    text = _HUNDREDS.sub(hundreds, _SPELLED.sub(figure, _GROUPED.sub("", text)))
    text = _PURSE.sub(lambda match: f"${match[1]}.{match[2]}", text)
    text = _THOUSANDS.sub(lambda match: str(1000 * int(match[1]) + int(match[2])), text)
    text = _POINT.sub(lambda match: f"{match[1]}.{match[2].replace(' ', '')}", text)
    text = _FRACTION.sub(lambda match: match[1] + _FRACTIONS[match[2]], text)
    return _HALF.sub(lambda match: f"{match[1]}.5", text)


def _joined(match: re.Match[str]) -> str:
    alone = not re.search(r"\d", match.string[: match.start()] + match.string[match.end() :])
    is_one = match["unit"] or match["scale"] or alone
    return match[0].replace(match["figure"], match["figure"].replace(" ", "")) if is_one else match[0]


def _quantity(match: re.Match[str]) -> Quantity:
    written = match["digits"].replace(",", "")
    bracketed = match["bracket"] is not None
    separates = match["minus"] and _DASH_BETWEEN.match(match.string, max(0, match.start("minus") - 2))
    negative = (match["minus"] and not separates) or match["inner"] or match["after"] or bracketed
    word = (match["percent"] or match["scale"] or "").lower()
    if bracketed and "%" in match[0]:
        word = "%"
    unit = (match["unit"] or match["late"] or "").strip().lower().removeprefix("us")
    unit = _CURRENCIES.get(unit or (match["currency"] or "").lower(), {"d": "$"}.get(unit, unit))
    value, decimals = Decimal(written), len(written.partition(".")[2])
    if match["cents"]:
        value, decimals = value / 100, decimals + 2
    return Quantity(
        value=-value if negative else value,
        decimals=decimals,
        scale=Decimal(SCALES[word]) if word else None,
        unit=unit,
        bracketed=bracketed,
        start=match.start(),
        end=match.end(),
        digits=len(written.replace(".", "").lstrip("0")),
    )
