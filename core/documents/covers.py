"""Reads a document's cover: company, form, fiscal year and period."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import PurePath

from core.documents.model import Cover
from core.documents.periods import MONTH, dates, on_or_before

_FORM = re.compile(r"\bform\s+(10-K|10-Q|8-K|20-F|6-K|S-1|DEF\s*14A|40-F|11-K)(?:/A)?\b", re.I)
_FORM_IN_NAME = re.compile(r"(10-?K|10-?Q|8-?K|20-?F|6-?K)(?![a-z])", re.I)
_SUFFIX = (
    r"(?:Incorporated|Inc\.?|Corporation|Corp\.?|Company|Co\.|Limited|Ltd\.?|PLC|"
    r"plc|LLC|L\.P\.|N\.V\.|S\.A\.|SE|AG|Holdings?|Group)"
)
_NAMED = re.compile(rf"^((?:[A-Za-z][\w.&’'-]*,?\s+){{1,4}}{_SUFFIX}),?(?=\s|$)")
_TITLED = re.compile(
    r"^(?!(?:Our|The|This)\s+(?i:annual))((?:(?:[A-Z&][\w.&’'/-]*|of|and)\s){0,5}[A-Z][\w.&’'/-]*)"
    r"[\s,:–—-]+(?i:annual\s+report(?:\s+and\s+accounts)?)"
    r"[\s,:–—-]+((?:19|20)\d\d)$",
    re.M,
)
"""A title such as `Halvorsen AS annual report 2024`: company and year."""
_LINES_BEFORE_TITLE = 200
_TICKER = re.compile(r"\((?:NYSE|NASDAQ|Nasdaq|NasdaqGS)\s*:\s*([A-Z.]{1,5})\)")
_QUARTER_WORD = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_QUARTER = re.compile(r"\b(first|second|third|fourth)[\s-]+(?:fiscal\s+)?quarter\b|\bq([1-4])\b", re.I)
_ENDED = re.compile(
    rf"\b(?:fiscal\s+year|year|quarterly\s+period|quarter|months|weeks|period)\s+ended:?\s+({MONTH}\s+\d{{1,2}},?\s+\d{{4}})",
    re.I,
)
_DATE_OF_REPORT = re.compile(
    rf"date\s+of\s+(?:earliest\s+event|report)[^\n]*?:?\s*({MONTH}\s+\d{{1,2}},?\s+\d{{4}})", re.I
)


def read(name: str, first_pages: Sequence[str], tags: Mapping[str, str]) -> Cover:
    """The cover of a document.

    Args:
        name: the file's name, which often names company, form and year.
        first_pages: the text of about the first ten pages.
        tags: inline XBRL's `dei` facts by name without prefix; empty where there are none.
    """
    text = "\n".join(first_pages[:10])
    head = "\n".join(first_pages[:2])
    lines = [" ".join(line.split()) for line in head.splitlines() if line.strip()]
    # A title may go over two lines. It is short and stands near the top.
    titled = _TITLED.search("\n".join(line for line in lines[:_LINES_BEFORE_TITLE] if len(line) <= 200))
    form = _form(name, head, tags)
    end = _date(tags.get("DocumentPeriodEndDate", "")) or _period_end(form, head, text)
    quarter = _quarter(form, name, head, text, tags)
    year_end = _year_end(tags.get("CurrentFiscalYearEndDate", ""), end, quarter)
    year = tags.get("DocumentFiscalYearFocus", "")
    return Cover(
        company=tags.get("EntityRegistrantName", "") or _company(name, lines, titled),
        ticker=tags.get("TradingSymbol", "") or _ticker(head),
        form=form,
        fiscal_year=int(year) if year.isdigit() else _fiscal_year(end, year_end, text, name, titled),
        fiscal_period=("FY" if quarter in (None, 4) else f"Q{quarter}") if form != "8-K" else "",
        period_end=end,
        year_end=year_end,
        title=next(
            (line.strip() for line in head.splitlines() if len(line.strip()) > 5), PurePath(name).stem
        )[:200],
    )


def _form(name: str, head: str, tags: Mapping[str, str]) -> str:
    if tags.get("DocumentType"):
        return tags["DocumentType"].upper()
    if match := _FORM.search(head):
        return match[1].upper()
    if match := _FORM_IN_NAME.search(name):
        return re.sub(r"^(\d+)-?", r"\1-", match[1].upper())
    if re.search(r"earnings", name, re.I) or re.search(r"\b(?:reports|announces)\b.*\bresults\b", head, re.I):
        return "earnings release"
    return "annual report" if re.search(r"\bannual\s+report\b", head, re.I) else ""


def _company(name: str, lines: Sequence[str], titled: re.Match[str] | None) -> str:
    for number, line in enumerate(lines):
        if re.search(r"\(?exact\s+name\s+of\s+(?:the\s+)?registrant", line, re.I) and number:
            before = re.sub(r"\(?exact\s+name.*", "", line, flags=re.I).strip()
            return re.sub(r"^[_\s]+", "", before or lines[number - 1])
    for line in lines[:40]:
        if match := _NAMED.match(line):
            return match[1].rstrip(",")
    if titled:
        return titled[1]
    stem = re.split(r"[_\-.\s]", PurePath(name).stem)
    return stem[0].title() if stem and stem[0].isalpha() and len(stem[0]) > 2 else ""


def _ticker(head: str) -> str:
    match = _TICKER.search(head) or re.search(
        r"Common\s+Stock[^\n]{0,80}?\s([A-Z]{1,5})\s+(?:The\s+)?(?:Nasdaq|New\s+York|NYSE|NASDAQ)", head
    )
    return match[1] if match else ""


def _date(text: str) -> date | None:
    found = dates(text)
    return found[0][0] if found else None


def _period_end(form: str, head: str, text: str) -> date | None:
    if form == "8-K":
        match = _DATE_OF_REPORT.search(head)
        return _date(match[1]) if match else None
    if (match := _ENDED.search(head)) and form in {"10-K", "10-Q", "20-F"}:
        return _date(match[1])
    ended = [_date(match[1]) for match in _ENDED.finditer(text)]
    headed = [day for day, _ in dates(text)]
    known = [day for day in ended if day] or headed
    return Counter(known).most_common(1)[0][0] if known else None


def _quarter(form: str, name: str, head: str, text: str, tags: Mapping[str, str]) -> int | None:
    """The quarter that a document is about; None for a year."""
    focus = tags.get("DocumentFiscalPeriodFocus", "")
    if focus:
        return int(focus[1]) if re.fullmatch("Q[1-4]", focus) else None
    if form in {"10-K", "20-F", "annual report", "8-K"}:
        return None
    match = re.search(r"(?<![A-Za-z])(?:\d{4})?Q([1-4])(?![0-9])", name)
    if match:
        return int(match[1])
    if form == "10-Q":
        if re.search(r"nine\s+months\s+ended", text, re.I):
            return 3
        return 2 if re.search(r"six\s+months\s+ended", text, re.I) else 1
    match = _QUARTER.search(head)
    return (_QUARTER_WORD[match[1].lower()] if match[1] else int(match[2])) if match else None


def _year_end(tag: str, end: date | None, quarter: int | None) -> tuple[int, int] | None:
    if match := re.fullmatch(r"-{0,2}(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", tag):
        return int(match[1]), int(match[2])
    if end is None:
        return None
    if quarter in (None, 4):
        return end.month, end.day
    near = end - timedelta(days=10)
    month = near.month + (4 - (quarter or 4)) * 3
    return (month - 1) % 12 + 1, on_or_before(2001, (month - 1) % 12 + 1, 31).day


def _fiscal_year(
    end: date | None, year_end: tuple[int, int] | None, text: str, name: str, titled: re.Match[str] | None
) -> int | None:
    if end is None or year_end is None:
        if match := re.search(r"(?<!\d)(20\d\d)(?!\d)", name):
            return int(match[1])
        return int(titled[2]) if titled else None
    ending = end.year if (end.month, end.day) <= year_end or end.month == year_end[0] else end.year + 1
    if year_end[0] <= 2:  # a year that ends in January is called by either calendar year
        called = Counter(re.findall(r"\bfiscal\s+(?:year\s+)?(20\d\d)\b", text, re.I))
        return max((ending, ending - 1), key=lambda year: called[str(year)])
    return ending
