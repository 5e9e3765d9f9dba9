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
_SIGNS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_FRACTION = re.compile(
    rf"(?<![\d.,/])(\d{{1,3}})(?: (?=\d)| ?(?=[{''.join(_SIGNS)}]))"
    rf"({'|'.join(_SIGNS)}|[1-9]/[2-9])(?![\d/])"
)
#: A share in words, once its number is in digits: "2 thirds of", "a half".
_PARTS = {"half": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_SHARE = re.compile(
    rf"(?<![\w.,])(?P<count>[1-9]|an?)[ -]"
    rf"(?:(?P<part>{'|'.join(_PARTS)})s?\b(?=\s*(?:$|[.,;)](?!\d)|of\b|percent))"
    r"|(?P<quarter>quarters?)\b(?= of\b| percent))"  # else a span of time
    r"(?: of (?:an?|1)(?= percent| million| billion))?",
    re.I,
)
_HALF_OF = re.compile(
    r"(?<!first )(?<!second )(?<!last )(?<!other )(?<![\w-])half (?:of|an?(?= percent| million| billion))\b",
    re.I,
)
_DOZEN = re.compile(r"(?<![\w.,])(\d{1,2}|a) dozen\b", re.I)
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
        return str(100 * _count(match["hundreds"]) + int(match["rest"] or 0))

    text = _SCIENTIFIC.sub(lambda match: f"{Decimal(match[0]):f}", _SPACED.sub(_joined, text))
    text = _HUNDREDS.sub(hundreds, _SPELLED.sub(figure, _GROUPED.sub("", text)))
    text = _PURSE.sub(lambda match: f"${match[1]}.{match[2]}", text)
    text = _THOUSANDS.sub(lambda match: str(1000 * int(match[1]) + int(match[2])), text)
    text = _POINT.sub(lambda match: f"{match[1]}.{match[2].replace(' ', '')}", text)
    text = _HALF.sub(lambda match: f"{match[1]}.5", _FRACTION.sub(_mixed, text))
    text = _HALF_OF.sub("0.5", _SHARE.sub(_share, text))
    return _DOZEN.sub(lambda match: str(12 * _count(match[1])), text)


def _mixed(match: re.Match[str]) -> str:
    top, _, bottom = _SIGNS.get(match[2], match[2]).partition("/")
    return _decimal(int(match[1]) + int(top) / int(bottom)) if int(top) < int(bottom) else match[0]


def _share(match: re.Match[str]) -> str:
    count, size = _count(match["count"]), 4 if match["quarter"] else _PARTS[match["part"].lower()]
    is_share = count < size and not (match["quarter"] and count == 2)  # two quarters are a span of time
    return _decimal(count / size) if is_share else match[0]


def _count(word: str) -> int:
    return int(word) if word.isdigit() else 1


def _decimal(number: float) -> str:
    """With four decimals where it has more: 1/3 is "0.3333"."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


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
