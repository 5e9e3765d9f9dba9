"""Finds headings and table rows in lines of text, and cuts pages into pieces that are searched."""

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from core.documents.model import Chunk, Line, Page, Span

CHUNK_CHARACTERS = 1000
HEADER_LINES = 14
"""Lines above a table's first row that may hold its caption, units and column headings."""

AMOUNT = re.compile(
    r"(?<![\w.,])(?:[-–—](?=[\d$€£¥(]))?\(?\s?(?:US\$|[$€£¥])?\s?\(?\s?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\s?\)?\s?%?(?![\w,.]*\w)"
    r"|(?<=[\s|$])[—–-](?=[\s|]|$)"
)
_JOINED = re.compile(r"(?<=[\d)%—–])\s+(?=[A-Z][a-z])")
_PAGE_NUMBER = re.compile(r"^(?:page\s+)?[-–—]?\s*([A-Z]?-?\d{1,3}|[ivxl]{1,6})\s*[-–—]?$", re.I)
_PAGE_NUMBER_AT_END = re.compile(r"(?:\||/\s*page|form 10-[kq]\s)\s*([A-Z]?-?\d{1,3})$", re.I)
_ITEM = re.compile(r"^(?:part\s+[iv]+\b|item\s+\d+[a-c]?\b|note\s+\d+\b|\d{1,2}\.\s+[A-Z])", re.I)
_SENTENCE_END = re.compile(r"[.;,:]$")
UNFINISHED = re.compile(r"\b(?:and|or|the|of|to|in|a|an|for|from|per|with|by)\s*$", re.I)
"""The end of a line that goes on in the next."""


def amounts(text: str) -> list[Span]:
    """The places of figures in a line: numbers with their signs and brackets, and dashes for zero."""
    return [match.span() for match in AMOUNT.finditer(text) if match[0].strip()]


def lines_of(text: str) -> tuple[Line, ...]:
    """Lines of plain text, with headings and table rows recognised."""
    spans: list[Span] = []
    at = 0
    for raw in text.split("\n"):
        if raw.strip():
            spans += [(at + start, at + end) for start, end in _rows_in(raw)]
        at += len(raw) + 1
    lines = [_line(text, span) for span in spans]
    return tuple(_with_neighbours(text, lines))


def _rows_in(raw: str) -> list[Span]:
    """The rows of a line: PDF readers join two where the first ends in a dash or an empty cell."""
    whole = (len(raw) - len(raw.lstrip()), len(raw.rstrip()))
    for match in _JOINED.finditer(raw):
        left, right = raw[: match.start()], raw[match.end() :]
        cells = [_cells(part.strip(), found) for part in (left, right) if (found := amounts(part.strip()))]
        if len(cells) == 2 and len(cells[0]) == len(cells[1]) >= 3:
            return [
                (whole[0], match.start()),
                *((match.end() + a, match.end() + b) for a, b in _rows_in(right)),
            ]
    return [whole]


def _line(text: str, span: Span) -> Line:
    content = text[slice(*span)]
    found = amounts(content)
    if found and (cells := _cells(content, found)):
        return Line("row", *span, tuple((span[0] + a, span[0] + b) for a, b in cells))
    return Line("heading" if is_heading(content) else "text", *span)


def _cells(content: str, found: list[Span]) -> list[Span]:
    """Label and figures, where nothing but figures follows the label."""
    first = len(found) - 1
    while first > 0 and not content[found[first - 1][1] : found[first][0]].strip(" $€£¥%|)\t*"):
        first -= 1
    tail = content[found[-1][1] :].strip(" $%|)*")
    label = content[: found[first][0]].rstrip(" $€£¥|.…")
    if tail or (re.search(r"[.!?]$", content) and not label.endswith(":")):
        return []
    figures = found[first:]
    if len(figures) == 1 and (
        not label or len(label) > 90 or re.fullmatch(r"\(?\d{4}\)?", content[slice(*figures[0])].strip())
    ):
        return []
    return [(0, len(label)), *figures]


def is_heading(content: str) -> bool:
    """Whether a line looks like a heading: short, without a sentence's end, in capitals or title case."""
    if not 3 <= len(content) <= 110 or not re.search("[A-Za-z]{3}", content):
        return False
    if _ITEM.match(content):
        return True
    if _SENTENCE_END.search(content) or UNFINISHED.search(content) or len(content) > 80:
        return False
    words = [word for word in re.findall(r"[A-Za-z][\w’'&-]*", content) if len(word) > 3]
    return bool(words) and sum(word[0].isupper() for word in words) >= 0.8 * len(words)


def _with_neighbours(text: str, lines: list[Line]) -> Iterator[Line]:
    """A single figure behind words is a row only beside other rows; else it ends a sentence."""
    for number, line in enumerate(lines):
        if line.kind == "row" and len(line.cells) == 2:
            near = [lines[n] for n in (number - 2, number - 1, number + 1, number + 2) if 0 <= n < len(lines)]
            if not any(other.kind == "row" for other in near):
                yield Line("text", line.start, line.end)
                continue
        yield line


def printed_number(lines: Iterable[str]) -> str:
    """The page number that is printed on a page, from its first and last lines."""
    given = [line.strip() for line in lines if line.strip()]
    for line in [*given[-2:][::-1], *given[:1]]:
        if match := _PAGE_NUMBER.match(line) or _PAGE_NUMBER_AT_END.search(line):
            return match[1]
    return ""


def sections(pages: Iterable[Page]) -> Iterator[tuple[Page, list[tuple[Line, str]]]]:
    """Each page's lines with the headings that they stand below, as `Item 7. … > Liquidity`."""
    item = heading = ""
    for page in pages:
        found = []
        for line in page.lines:
            if line.kind == "heading":
                content = " ".join(page.of(line).split())
                if _ITEM.match(content):
                    item, heading = content, ""
                else:
                    heading = content
            found.append((line, " > ".join(part for part in (item, heading) if part)))
        yield page, found


def chunks(pages: Iterable[Page]) -> Iterator[Chunk]:
    """The pieces of a document, in order: paragraphs together up to a size, tables apart.

    A table is cut between rows only. Each part carries the caption, units and column headings above it.
    """
    for page, found in sections(pages):
        number = 0
        while number < len(found):
            table = found[number][0].kind == "row"
            rows = (n for n in range(number + 1, len(found)) if found[n][0].kind == "row")
            last = _table_end(found, number) if table else next(rows, len(found))
            context = _header(page, found, number) if table else ""
            yield from _pieces(page, found[number:last], "table" if table else "text", context)
            number = last


def _table_end(found: list[tuple[Line, str]], first: int) -> int:
    """Rows, with the single lines between them that name groups of rows."""
    last = end = first
    while last < len(found) and last - end <= 2:
        if found[last][0].kind == "row":
            end = last + 1
        last += 1
    return max(end, first + 1)


def _header(page: Page, found: list[tuple[Line, str]], first: int) -> str:
    """Lines right above a table that are short: its caption, units and column headings."""
    lines: list[str] = []
    for line, _ in reversed(found[max(0, first - HEADER_LINES) : first]):
        content = page.of(line)
        if line.kind == "row" or len(content) > 200 or (len(content) > 120 and content.endswith(".")):
            break
        lines.append(content)
    return "\n".join(reversed(lines))


def _pieces(
    page: Page, found: list[tuple[Line, str]], kind: Literal["text", "table"], context: str
) -> Iterator[Chunk]:
    start = 0
    for number in range(1, len(found) + 1):
        whole = number == len(found)
        size = found[number - 1][0].end - found[start][0].start
        following = 0 if whole else found[number][0].end - found[number][0].start
        new_section = not whole and kind == "text" and found[number][0].kind == "heading"
        if whole or size + following > CHUNK_CHARACTERS or (new_section and size > CHUNK_CHARACTERS // 4):
            span = (found[start][0].start, found[number - 1][0].end)
            text = page.text[slice(*span)]
            if re.search(r"\w", text):
                yield Chunk(page.number, page.printed, found[start][1], kind, context, text, span)
            start = number
