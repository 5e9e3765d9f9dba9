"""Inline XBRL: each tagged figure with its exact value, unit, time, dimensions and place on the page."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from lxml import etree

from core.documents import statements
from core.documents.model import Fact, Line, Page
from core.documents.periods import MONTHS

XBRLI = "{http://www.xbrl.org/2003/instance}"
XBRLDI = "{http://xbrl.org/2006/xbrldi}"
_FIRST_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
)
_NUMBER_WORDS = {word: number for number, word in enumerate(_FIRST_NUMBERS.split())} | {
    **dict.fromkeys(("no", "none", "nil"), 0)
}
APART = 6
"""This many lines without figures end a table. Within one, fewer name groups of rows."""


@dataclass(frozen=True)
class Context:
    """The context of a tagged figure: its time and dimensions."""

    start: date | None
    end: date
    dimensions: tuple[tuple[str, str], ...]


@dataclass
class Mark:
    """A tagged figure, and where its text begins and ends on which page."""

    element: etree._Element
    page: int
    start: int
    end: int = 0


def cover_tags(root: etree._Element) -> dict[str, str]:
    """The document's cover facts: `dei` facts without their prefix."""
    found: dict[str, str] = {}
    for element in root.iter("{*}nonNumeric"):
        prefix, _, name = (element.get("name") or "").partition(":")
        if prefix == "dei":
            text = " ".join("".join(element.itertext()).split())
            found.setdefault(name, _dated(text, name))
    return found


def _dated(text: str, name: str) -> str:
    """The end of the fiscal year as --MM-DD, however it is printed; other facts unchanged."""
    if name != "CurrentFiscalYearEndDate":
        return text
    match = re.match(r"([A-Za-z]+)\.?\s+(\d{1,2})", text) or re.match(r"-{0,2}(\d{1,2})[-/](\d{1,2})", text)
    if not match:
        return ""
    month = MONTHS.get(match[1].lower(), 0) if match[1].isalpha() else int(match[1])
    return f"--{month:02}-{int(match[2]):02}"


def facts(root: etree._Element, marks: Iterable[Mark], pages: tuple[Page, ...]) -> Iterator[Fact]:
    """The tagged figures that stand on a page and can be read."""
    contexts = dict(_contexts(root))
    units = {unit.get("id"): _unit(unit) for unit in root.iter(f"{XBRLI}unit")}
    for mark in marks:
        context = contexts.get(mark.element.get("contextRef"))
        value = amount(mark.element)
        if context is None or value is None or mark.page >= len(pages):
            continue
        page = pages[mark.page]
        line, label, section = _around(page, mark)
        yield Fact(
            concept=(mark.element.get("name") or "").rpartition(":")[2],
            label=label,
            value=value,
            unit=units.get(mark.element.get("unitRef"), ""),
            start=context.start,
            end=context.end,
            dimensions=context.dimensions,
            page=page.number,
            span=line,
            section=section,
            tagged=True,
        )


def _around(page: Page, mark: Mark) -> tuple[tuple[int, int], str, str]:
    """The line that a figure stands in, its row's label with the label above, and the last heading."""
    section = parent = ""
    since = APART  # lines since the last row
    for line in page.lines:
        if line.start > mark.start:
            break
        content = page.text[line.start : line.end]
        if mark.start < line.end:
            if line.kind == "row":
                label = page.text[slice(*line.cells[0])]
                if mark.start < line.cells[0][1]:
                    return (line.start, line.end), "", section
                return (line.start, line.end), f"{parent}: {label}" if parent else label, section
            return _sentence(page.text, line, mark), "", section
        if line.kind == "row":
            since = 0
            parent = "" if content[:5].lower() == "total" else parent
            continue
        since = APART if len(content) >= 130 or statements.of_heading(content) else since + 1
        section = content if line.kind == "heading" and since >= APART and _is_title(content) else section
        ends = content.rstrip().endswith(":")
        names_group = len(content) < (130 if ends else 90) and (since < APART or ends) and "|" not in content
        parent = content.rstrip(" :") if names_group else ""
    return (mark.start, mark.end), "", section


def _is_title(heading: str) -> bool:
    """Whether a heading is more than the units or times of a table."""
    return not re.match(r"\(|in\s+(?:thousands|millions|billions)", heading, re.I) and "|" not in heading


def _sentence(text: str, line: Line, mark: Mark) -> tuple[int, int]:
    """The sentence around a figure, within its line."""
    ends = [m.end() for m in re.finditer(r"(?<=[a-z)\d][.;])\s+(?=[A-Z“])", text[line.start : line.end])]
    bounds = [line.start, *(line.start + end for end in ends), line.end]
    start = max(bound for bound in bounds if bound <= mark.start)
    end = min(bound for bound in bounds if bound >= mark.end)
    return start, start + len(text[start:end].rstrip())


def amount(element: etree._Element) -> Decimal | None:
    """The value of a tagged figure: its digits, times ten to its scale, with its own sign.

    None for a figure that is nil or that cannot be read. Brackets are how it is printed, not its sign.
    """
    if (element.get("{http://www.w3.org/2001/XMLSchema-instance}nil") or "").lower() in {"true", "1"}:
        return None
    text = " ".join("".join(element.itertext()).split())
    form = (element.get("format") or "").rpartition(":")[2].lower()
    digits = _digits(text, form)
    if digits is None:
        return None
    try:
        value = Decimal(digits).scaleb(int(element.get("scale") or 0))
    except (InvalidOperation, ValueError):
        return None
    return -value if element.get("sign") == "-" else value


def _digits(text: str, form: str) -> str | None:
    if form in {"fixed-zero", "zerodash", "fixedzero", "num-dash"} or text in {"—", "–", "-"}:
        return "0"
    word = text.lower().strip(" .,")
    if word in _NUMBER_WORDS:
        return str(_NUMBER_WORDS[word])
    plain = re.sub(r"[\s\u00a0$€£¥()%]", "", text)
    if "comma" in form and "dot" not in form:
        plain = plain.replace(".", "").replace(",", ".")
    else:
        plain = plain.replace(",", "")
    return plain if re.fullmatch(r"\d*\.?\d+|\d+\.", plain) else None


def _contexts(root: etree._Element) -> Iterator[tuple[str, Context]]:
    for element in root.iter(f"{XBRLI}context"):
        instant = _day(element.findtext(f".//{XBRLI}instant"))
        end = instant or _day(element.findtext(f".//{XBRLI}endDate"))
        start = None if instant else _day(element.findtext(f".//{XBRLI}startDate"))
        if end is None:
            continue
        members = [
            (_plain(member.get("dimension") or ""), _plain("".join(member.itertext()).strip()))
            for member in element.iter(f"{XBRLDI}explicitMember", f"{XBRLDI}typedMember")
        ]
        yield element.get("id") or "", Context(start, end, tuple(sorted(members)))


def _plain(name: str) -> str:
    return name.rpartition(":")[2]


def _day(text: str | None) -> date | None:
    match = re.match(r"\s*(\d{4})-(\d\d)-(\d\d)(T00:00:00)?", text or "")
    if not match:
        return None
    day = date(int(match[1]), int(match[2]), int(match[3]))
    return day - timedelta(days=1) if match[4] else day


def _unit(element: etree._Element) -> str:
    def measures(inside: etree._Element) -> str:
        return "*".join(_plain((m.text or "").strip()) for m in inside.iter(f"{XBRLI}measure"))

    above = element.find(f".//{XBRLI}unitNumerator")
    below = element.find(f".//{XBRLI}unitDenominator")
    if above is not None and below is not None:
        each = measures(below)
        return f"{measures(above)}/{'share' if each == 'shares' else each}"
    return measures(element)
