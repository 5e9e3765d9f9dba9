"""Reads HTML and inline XBRL: text as it is laid out, table rows, pages, and tagged figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from lxml import etree

from core.documents.layout import is_heading, printed_number
from core.documents.model import Fact, Line, Page

XBRLI = "{http://www.xbrl.org/2003/instance}"
XBRLDI = "{http://xbrl.org/2006/xbrldi}"
BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
SKIPPED = frozenset({"head", "script", "style", "title", "noscript", "template"})
_BREAK = re.compile(r"page-break-(before|after)\s*:\s*always|break-(before|after)\s*:\s*page", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none", re.I)
_BOLD = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.I)
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        ]
    )
} | {"no": 0, "none": 0, "nil": 0}


@dataclass(frozen=True)
class Context:
    """What a tagged figure is of: a time and dimensions."""

    start: date | None
    end: date
    dimensions: tuple[tuple[str, str], ...]


@dataclass
class _Mark:
    """A tagged figure on its way: where its text began and ended."""

    element: etree._Element
    page: int
    start: int
    end: int = 0


class Writer:
    """Collects text with single spaces, lines with their kinds, and pages."""

    def __init__(self) -> None:
        self.pages: list[tuple[str, list[Line]]] = []
        self.marks: list[_Mark] = []
        self.breaks = 0
        self._fresh()

    def _fresh(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._line = 0
        self._lines: list[Line] = []
        self._space = False
        self._bold = 0

    @property
    def place(self) -> int:
        """Where the next character will stand on the page."""
        return self._length + (1 if self._space and self._length > self._line else 0)

    def write(self, text: str, *, bold: bool = False) -> None:
        """Add text; white space of any length becomes one space, none at the beginning of a line."""
        if not text:
            return
        if text[0].isspace():
            self._space = True
        words = text.split()
        for number, word in enumerate(words):
            if (self._space or number) and self._length > self._line:
                self._put(" ")
            self._put(word)
            self._bold += len(word) if bold else 0
            self._space = False
        if words and text[-1].isspace():
            self._space = True

    def glue(self, text: str) -> None:
        """Add text without a space before it."""
        self._space = False
        self._put(text)

    def _put(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)

    def end_line(self, cells: tuple[tuple[int, int], ...] = ()) -> None:
        """End the line, if there is anything in it."""
        self._space = False
        if self._length > self._line:
            content = "".join(self._text)[self._line : self._length] if len(self._text) < 50 else self._tail()
            bold = self._bold >= 0.9 * len(content.replace(" ", "")) and len(content) < 160
            heading = not cells and (
                is_heading(content) or (bold and re.search("[A-Za-z]{3}", content) is not None)
            )
            kind = "row" if len(cells) > 1 else "heading" if heading else "text"
            self._lines.append(Line(kind, self._line, self._length, cells if len(cells) > 1 else ()))  # type: ignore[arg-type]
            self._put("\n")
            self._line = self._length
        self._bold = 0

    def _tail(self) -> str:
        joined = "".join(self._text)
        self._text = [joined]
        return joined[self._line :]

    def end_page(self) -> None:
        """End the page; an empty one counts, since the reader's page numbers do."""
        self.end_line()
        self.pages.append(("".join(self._text).rstrip("\n"), self._lines))
        self._fresh()


def read(content: bytes) -> tuple[tuple[Page, ...], tuple[Fact, ...], dict[str, str]]:
    """Pages, tagged figures and cover tags (`dei`, without prefix) of an HTML document.

    Pages are counted where the document has page breaks; else its one page has no number.
    """
    root = etree.fromstring(content, etree.HTMLParser(huge_tree=True, encoding=_encoding(content)))
    if b"xbrl.org/2013/inlineXBRL" in content[:20000] or b"<ix:" in content:
        parser = etree.XMLParser(recover=True, huge_tree=True, resolve_entities=False, no_network=True)
        tree = etree.fromstring(content, parser)
        root = tree if tree is not None else root
    if root is None:
        return (), (), {}
    writer = Writer()
    _walk(root, writer, bold=False)
    writer.end_page()
    while writer.pages and not writer.pages[-1][0]:
        writer.pages.pop()
    numbered = writer.breaks > 0
    pages = tuple(
        Page(number if numbered else None, text, tuple(lines), printed_number(text.splitlines()))
        for number, (text, lines) in enumerate(writer.pages, 1)
    )
    return pages, tuple(_facts(root, writer, pages)), _cover_tags(root)


def _encoding(content: bytes) -> str:
    match = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?([\w-]+)", content[:4000])
    declared = match[1].decode("ascii") if match else "utf-8"
    return "windows-1252" if declared.lower() in {"ascii", "us-ascii", "iso-8859-1"} else declared


def _name(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _walk(element: etree._Element, writer: Writer, *, bold: bool) -> None:
    name = _name(element)
    style = element.get("style") or ""
    if (
        not name
        or name in SKIPPED
        or (name == "header" and "inlineXBRL" in str(element.tag))
        or _HIDDEN.search(style)
    ):
        return
    broken = _BREAK.search(style)
    before = broken is not None and "before" in broken[0].lower()
    if before and (writer.pages or writer.place):
        writer.breaks += 1
        writer.end_page()
    if name == "table" and element.find(".//{*}table") is None:
        writer.end_line()
        for row in element.iter("{*}tr"):
            _row(row, writer)
    else:
        _inside(
            element,
            name,
            writer,
            bold=bold or name in {"b", "strong", "h1", "h2", "h3", "h4"} or bool(_BOLD.search(style)),
        )
    if broken is not None and not before:
        writer.breaks += 1
        writer.end_page()


def _inside(element: etree._Element, name: str, writer: Writer, *, bold: bool) -> None:
    block = name in BLOCKS
    if block or name == "br":
        writer.end_line()
    mark = _mark(element, name, writer)
    writer.write(element.text or "", bold=bold)
    for child in element:
        _walk(child, writer, bold=bold)
        writer.write(child.tail or "", bold=bold)
    if mark:
        mark.end = writer._length
    if block:
        writer.end_line()


def _mark(element: etree._Element, name: str, writer: Writer) -> _Mark | None:
    if name in {"nonfraction", "fraction"} and element.get("contextRef"):
        mark = _Mark(element, len(writer.pages), writer.place)
        writer.marks.append(mark)
        return mark
    return None


def _row(row: etree._Element, writer: Writer) -> None:
    """A table's row as one line: cells apart, currency and percent signs and brackets at their figures."""
    cells: list[tuple[int, int]] = []
    previous = ""
    for cell in row.iter("{*}td", "{*}th"):
        text = " ".join("".join(cell.itertext()).split())
        if not text:
            continue
        joins = bool(cells) and (previous[-1:] in "$€£¥(" or text[0] in ")%")
        if cells and not joins:
            writer.glue(" | ")
        start = cells[-1][0] if joins else writer.place
        writer._space = False
        _cell(cell, writer)
        end = writer._length
        cells = [*cells[:-1], (start, end)] if joins else [*cells, (start, end)]
        previous = text
    figures = sum(bool(re.search(r"\d|—|–", writer_text(writer, cell))) for cell in cells[1:])
    writer.end_line(tuple(cells) if figures else ())


def writer_text(writer: Writer, span: tuple[int, int]) -> str:
    """Text of the page that is being written."""
    joined = "".join(writer._text)
    writer._text = [joined]
    return joined[slice(*span)]


def _cell(cell: etree._Element, writer: Writer) -> None:
    """A cell's text in one line."""
    mark = _mark(cell, _name(cell), writer)
    writer.write(cell.text or "")
    for child in cell:
        if isinstance(child.tag, str) and not _HIDDEN.search(child.get("style") or ""):
            if _name(child) in BLOCKS or _name(child) == "br":
                writer.write(" ")
            _cell(child, writer)
        writer.write(child.tail or "")
    if mark:
        mark.end = writer._length


def _cover_tags(root: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in root.iter("{*}nonNumeric"):
        prefix, _, name = (element.get("name") or "").partition(":")
        if prefix == "dei":
            text = " ".join("".join(element.itertext()).split())
            found.setdefault(name, _dated(text, element.get("format") or "", name))
    return found


def _dated(text: str, form: str, name: str) -> str:
    """An end of the fiscal year as --MM-DD, whatever way it is printed."""
    if name != "CurrentFiscalYearEndDate":
        return text
    from core.documents.periods import MONTHS

    match = re.match(r"([A-Za-z]+)\.?\s+(\d{1,2})", text) or re.match(r"-{0,2}(\d{1,2})[-/](\d{1,2})", text)
    if not match:
        return ""
    month = (
        MONTHS.get(match[1].lower(), 0) or int(match[1])
        if not match[1].isalpha()
        else MONTHS.get(match[1].lower(), 0)
    )
    return f"--{month:02}-{int(match[2]):02}"


def _facts(root: etree._Element, writer: Writer, pages: tuple[Page, ...]) -> Iterator[Fact]:
    contexts = dict(_contexts(root))
    units = {unit.get("id"): _unit(unit) for unit in root.iter(f"{XBRLI}unit")}
    for mark in writer.marks:
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


def _around(page: Page, mark: _Mark) -> tuple[tuple[int, int], str, str]:
    """The line that a figure stands in, its row's label with the label above, and the last heading."""
    section = parent = ""
    inside = False
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
            inside = True
            parent = "" if content[:5].lower() == "total" else parent
            continue
        section = content if line.kind == "heading" and not inside else section
        names_group = len(content) < 90 and (inside or content.rstrip().endswith(":")) and "|" not in content
        parent = content.rstrip(" :") if names_group else ""
        inside = inside and len(content) < 130
    return (mark.start, mark.end), "", section


def _sentence(text: str, line: Line, mark: _Mark) -> tuple[int, int]:
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
