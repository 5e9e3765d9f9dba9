"""Figures from tables without tags: each cell with its row's label, its column's time, unit and scale."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from core.documents.layout import HEADER_LINES, UNFINISHED, sections
from core.documents.model import Cover, Fact, Line, Page
from core.documents.periods import MONTH, MONTHS, dates, on_or_before

PARAGRAPH = 130
"""A line longer than this is running text: lines above it name no columns any more."""
SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9}
_CODE = r"(?-i:USD|EUR|GBP|CHF|NOK|SEK|DKK|ISK|JPY|CAD|AUD)"
_CURRENCY = re.compile(rf"\b({_CODE})\b")
_SCALE = re.compile(
    rf"(?:\b(?:in|of|{_CODE})|\$)\s*(?:U\.?S\.?\s*)?(?:dollars?\s*(?:in)?\s*)?(thousand|million|billion)s?\b"
    r"|\b(thousand|million|billion)s\s+of\b|\bin\s+(thousand|million|billion)s\b",
    re.I,
)
_SHARES_IN = re.compile(r"shares[^)]{0,60}?in\s+(thousand|million)s", re.I)
_YEAR = re.compile(r"(?<![\d,.])((?:19|20)\d\d)(?![\d,]*\d)")
_YEARS = re.compile(r"(?:\W*\b(?:19|20)\d\d\b){2,}\W*")
"""A line of years and nothing else, which names the columns; years in the lines above it are of a title."""
_MONTH_DAY = re.compile(rf"\b({MONTH})\s+(0?[1-9]|[12]\d|3[01])\b,?(?!\s*(?:19|20)\d\d)", re.I)
_CHANGE = re.compile(r"\b(?:%\s*)?(?:change|variance|increase|decrease)\b", re.I)
_SPANS = {"three": 3, "six": 6, "nine": 9, "twelve": 12, "13": 3, "26": 6, "39": 9, "52": 12, "53": 12}
_SPAN = re.compile(
    r"\b(three|six|nine|twelve)\s+months\s+ended\b|\b(13|26|39|52|53)[\s-]weeks?\s+ended\b"
    r"|\b(quarters?\s+ended|q[1-4])\b|\b(fiscal\s+years?|years?\s+ended|for\s+the\s+years?)\b",
    re.I,
)
_PAYMENT = re.compile(
    r"(?:net\s+)?(?:additions?\s+to|purchases?\s+of|payments?|repayments?|repurchases?|capital\s+expenditures?|"
    r"(?:cash\s+)?dividends?\s+(?:paid|payments?)|cash\s+dividend|acquisitions?|taxes?\s+paid|cash\s+paid)\b",
    re.I,
)
"""Rows of money paid are printed in brackets; they count as positive, as in XBRL's concepts of payments."""
_MARK = re.compile(r"\(\d{1,2}\)")
_THOUSANDS = re.compile(r"\(000[’']?s\)")
_WHOLE = re.compile(rf"\bin\s+(?:whole\s+)?(?:U\.?S\.?\s+)?(?:dollars|euros|{_CODE})\b", re.I)
_MOMENT = re.compile(r"\bas\s+of\b|\bat\s+(?:" + MONTH + r")|balance\s+sheets?|financial\s+position", re.I)


@dataclass(frozen=True)
class Column:
    """The time that a column is of; `start` None for a moment. A column of changes has no time at all."""

    start: date | None
    end: date


def facts(pages: Sequence[Page], cover: Cover) -> Iterator[Fact]:
    """The figures of all tables whose columns are understood; a table that cannot be read gives none."""
    for page, found in sections(pages):
        columns: list[Column | None] = []
        scale_text = parent = ""
        header: list[str] = []
        for line, section in found:
            content = page.of(line)
            if line.kind != "row" or _names_columns(page, line):
                paragraph = len(content) > PARAGRAPH
                columns = [] if paragraph else columns
                header = [content] if paragraph else [*header, content][-HEADER_LINES:]
                parent = "" if paragraph or line.kind == "row" else _heading(header)
                continue
            if header:
                joined = "\n".join(line for line in header if len(line) <= PARAGRAPH)
                if new := columns_of(f"{section}\n{joined}" if _MOMENT.search(section) else joined, cover):
                    columns = new
                whole = "\n".join(header)
                scale_text = whole if new or _SCALE.search(whole) else scale_text
                parent = parent if header[-1].rstrip().endswith(":") or not new else ""
                header = []
            label = " ".join(page.text[slice(*line.cells[0])].split())
            if label and columns:
                cells = [page.text[slice(*cell)] for cell in line.cells[1:]]
                marked = len(cells) > len(columns) and _is_mark(cells[0], page)
                values = [number(cell) for cell in cells[marked:]]
                yield from _row(page, line, label, parent, values, columns, scale_text, section)
                parent = "" if label[:5].lower() == "total" else parent


def _heading(lines: Sequence[str]) -> str:
    """The heading above rows; lines before it belong to it that end with a word that needs another."""
    heading = lines[-1]
    for before in reversed(lines[:-1]):
        if not UNFINISHED.search(before):
            break
        heading = f"{before.strip()} {heading}"
    return heading.strip(" :")


def _is_mark(cell: str, page: Page) -> bool:
    """Whether a cell such as (1) is the mark of a footnote, which then begins a line of the page."""
    mark = cell.strip()
    return _MARK.fullmatch(mark) is not None and f"\n{mark} " in page.text


def _names_columns(page: Page, line: Line) -> bool:
    """Whether a row holds nothing but years and dates."""
    cells = [page.text[slice(*cell)].strip(" $|()") for cell in line.cells[1:]]
    return all(
        re.fullmatch(r"(?:19|20)\d\d", cell) or dates(cell) or not re.search(r"\d", cell) for cell in cells
    )


def columns_of(header: str, cover: Cover) -> list[Column | None]:
    """The columns that a table's heading names, from left to right; None for columns of changes."""
    lines = header.splitlines()
    if not dates(header) and any(map(_YEARS.fullmatch, lines)):
        lines = [line if _YEARS.fullmatch(line) else _YEAR.sub(" ", line) for line in lines]
        header = "\n".join(lines)
    text = " ".join(header.split())
    whole = dates(text)
    found: list[tuple[int, date | None]] = [(span[0], day) for day, span in whole]
    taken = [span for _, span in whole]
    years = [m for m in _YEAR.finditer(text) if not any(a <= m.start() < b for a, b in taken)]
    if not whole:
        month, day = cover.year_end or (12, 31)
        days = [
            on_or_before(2000, MONTHS[m[1].lower().rstrip(".")], int(m[2])) for m in _MONTH_DAY.finditer(text)
        ]
        for number, match in enumerate(years):
            shown = days[number] if len(days) == len(years) else (days[0] if days else None)
            year, named = int(match[1]), (shown.month, shown.day) if shown else (month, day)
            if not shown and cover.fiscal_year and cover.period_end:
                year += cover.period_end.year - cover.fiscal_year
            found.append((match.start(), on_or_before(year, *named)))
    else:  # "December 31, 2020 2019 2018": the years behind a date are of the same day
        for match in years:
            before = [day for day, span in whole if span[1] <= match.start()]
            if before:
                found.append((match.start(), on_or_before(int(match[1]), before[-1].month, before[-1].day)))
    if not found:
        return []
    last = max(at for at, _ in found)
    first = min(at for at, _ in found)
    found += [
        (m.start(), None) for m in _CHANGE.finditer(text) if first < m.start() and m.start() < last + 60
    ]
    ends = [end for _, end in sorted(found, key=lambda each: each[0])]
    return _timed(
        ends,
        [_months(match) for match in _SPAN.finditer(text)],
        moment=bool(_MOMENT.search(text) or whole),
    )


def _timed(ends: list[date | None], spans: list[int], *, moment: bool) -> list[Column | None]:
    """Columns with their lengths in months, where the heading says how long they are."""
    count = sum(end is not None for end in ends)
    if spans and count % len(spans) == 0:
        lengths: list[int] = [months for months in spans for _ in range(count // len(spans))]
    elif spans:
        return []
    else:
        lengths = [0 if moment else 12] * count
    left = iter(lengths)
    return [None if end is None else Column(_start(end, next(left)), end) for end in ends]


def _start(end: date, months: int) -> date | None:
    return end - timedelta(days=round(months * 30.437) - 1) if months else None


def _months(match: re.Match[str]) -> int:
    words = match[1] or match[2]
    return _SPANS[words.lower()] if words else 3 if match[3] else 12


def _row(
    page: Page,
    line: Line,
    label: str,
    parent: str,
    values: list[tuple[Decimal, str] | None],
    columns: list[Column | None],
    scale_text: str,
    section: str,
) -> Iterator[Fact]:
    if len(values) != len(columns):
        columns = [column for column in columns if column]
    if len(values) != len(columns):
        return
    named = label[:6].lower() == "total " or parent.lower() in label.lower()  # says itself what it is of
    full = label if not parent or named else f"{parent}: {label}"
    for value, column in zip(values, columns, strict=True):
        if value is None or column is None:
            continue
        amount, symbol = value
        amount = abs(amount) if _PAYMENT.match(label) else amount
        known = unit_of(full, symbol, scale_text)
        if known is None:
            continue
        unit, scale = known
        opening = column.start is not None and re.search(r"\bbeginning\b", label, re.I) is not None
        yield Fact(
            concept="",
            label=full,
            value=amount * scale,
            unit=unit,
            start=None if opening else column.start,
            end=column.start - timedelta(days=1) if opening and column.start else column.end,
            page=page.number,
            span=(line.start, line.end),
            section=section,
        )


def unit_of(label: str, symbol: str, heading: str) -> tuple[str, int] | None:
    """Unit and scale of a cell, from its sign, its row's label and the lines above the table.

    None for an amount of money in a table that does not say whether it counts in thousands or millions.
    """
    match = _SCALE.search(_SHARES_IN.sub(" ", heading))
    scale = SCALES[next(word for word in match.groups() if word).lower()] if match else 1
    named = _CURRENCY.search(heading)
    currency = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}.get(symbol, named[1] if named else "USD")
    lower = label.lower()
    if symbol == "%":
        return "%", 1
    if re.search(
        r"\b(?:average|number\s+of)\b.*\bshares\b|\bshares\b.*\boutstanding\b", lower.rpartition(": ")[2]
    ):
        return "shares", _share_scale(label, heading, scale)
    if re.search(r"per\s+(?:\w+\s+)?share|per-share|\beps\b", lower):
        return f"{currency}/share", 1
    if re.search(r"\b(?:earnings|income|loss)\b.*\b(?:basic|diluted)\b", lower) and "shares" not in lower:
        return f"{currency}/share", 1
    if not symbol:
        if re.search(r"\bshares\b|\bbasic\b|\bdiluted\b|\bdilutive\b", lower):
            return "shares", _share_scale(label, heading, scale)
        counted = r"\b(?:employees|headcount|stores|restaurants|warehouses|subscribers|memberships)\b"
        if re.search(counted, lower) and not re.search(
            r"\b(?:fees?|revenues?|sales|costs?|expenses?)\b", lower
        ):
            return "", 1
    return (currency, scale) if match or _WHOLE.search(heading) else None


def _share_scale(label: str, heading: str, scale: int) -> int:
    """The scale of shares, which may differ from the scale of money."""
    if _THOUSANDS.search(label):
        return 1000
    own = _SHARES_IN.search(heading)
    return SCALES[own[1].lower()] if own else scale


def number(cell: str) -> tuple[Decimal, str] | None:
    """A cell's value and its sign of unit; brackets are negative, a dash is zero. None: no figure.

    >>> number("$ (1,132)")
    (Decimal('-1132'), '$')
    """
    text = cell.strip(" |\u00a0")
    if text in {"—", "–", "-", "$—", "$ —", "$ –", "—%", "– %"}:
        return Decimal(0), text[0] if text[0] in "$€£¥" else ""
    symbol = next((sign for sign in "$€£¥%" if sign in text), "")
    digits = re.sub(r"[^\d.]", "", text)
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return None
    negative = "(" in text or re.match(r"^[-–—]\s?[$\d]", text) is not None
    return (-value if negative else value), symbol
