"""Reads HTML and inline XBRL: text as it is laid out, table rows, pages, and tagged figures."""

import re

from lxml import etree

from core.documents.layout import is_heading, printed_number
from core.documents.model import Fact, Line, Page
from finexpert.service.documents import xbrl
from finexpert.service.documents.xbrl import Mark

_BLOCKS = (
    "address article blockquote body center dd div dl dt fieldset footer form h1 h2 h3 h4 h5"
    " h6 header hr li main nav ol p pre section table tbody td tfoot th thead tr ul"
)
BLOCKS = frozenset(_BLOCKS.split())
SKIPPED = frozenset({"head", "script", "style", "title", "noscript", "template"})
_BREAK = re.compile(r"page-break-(before|after)\s*:\s*always|break-(before|after)\s*:\s*page", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none", re.I)
_BOLD = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.I)


class Writer:
    """Collects text with single spaces, lines with their kinds, and pages."""

    def __init__(self) -> None:
        self.pages: list[tuple[str, list[Line]]] = []
        self.marks: list[Mark] = []
        self.breaks = 0
        self._fresh()

    def _fresh(self) -> None:
        self._ended: list[str] = []
        self._line: list[str] = []
        self._length = 0
        self._lines: list[Line] = []
        self._space = False
        self._bold = 0

    @property
    def place(self) -> int:
        """The place of the next character on the page."""
        return self._length + bool(self._space and self._line)

    @property
    def line(self) -> str:
        """The text of the line that is being written."""
        return "".join(self._line)

    def write(self, text: str, *, bold: bool = False) -> None:
        """Add text; white space of any length becomes one space, none at the beginning of a line."""
        if not text:
            return
        if text[0].isspace():
            self._space = True
        words = text.split()
        for number, word in enumerate(words):
            if (self._space or number) and self._line:
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
        self._line.append(text)
        self._length += len(text)

    def end_line(self, cells: tuple[tuple[int, int], ...] = ()) -> None:
        """End the line, if there is anything in it."""
        self._space = False
        if content := self.line:
            bold = self._bold >= 0.9 * len(content.replace(" ", "")) and len(content) < 160
            heading = not cells and (
                is_heading(content) or (bold and re.search("[A-Za-z]{3}", content) is not None)
            )
            kind = "row" if len(cells) > 1 else "heading" if heading else "text"
            start = self._length - len(content)
            self._lines.append(Line(kind, start, self._length, cells if len(cells) > 1 else ()))  # type: ignore[arg-type]
            self._ended.append(content)
            self._line, self._length = [], self._length + 1
        self._bold = 0

    def end_page(self) -> None:
        """End the page; empty pages count too, as they do for a reader."""
        self.end_line()
        self.pages.append(("\n".join(self._ended), self._lines))
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
    return pages, tuple(xbrl.facts(root, writer.marks, pages)), xbrl.cover_tags(root)


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


def _mark(element: etree._Element, name: str, writer: Writer) -> Mark | None:
    if name in {"nonfraction", "fraction"} and element.get("contextRef"):
        mark = Mark(element, len(writer.pages), writer.place)
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
    line, start = writer.line, writer._length - len(writer.line)
    figures = any(re.search(r"\d|—|–", line[begin - start : end - start]) for begin, end in cells[1:])
    writer.end_line(tuple(cells) if figures else ())


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
