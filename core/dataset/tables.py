"""Tables of text (.csv, .tsv) as records: separator and header are recognised, and all rows held to them."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from core.dataset.lines import LONGEST_LINE_BYTES, LineReader, taken

SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
#: A separator is one where at least this share of the rows has as many fields as the first.
REGULAR = 0.9
#: The first line is no header if one of its fields has this many words: names of columns are short.
WORDS_OF_A_TEXT = 8
#: So much of a table is looked at.
SAMPLE_LINES = 400
SAMPLE_CHARACTERS = 1 << 20

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_FIGURE = re.compile(r"[\s$€£¥(+-]*\d[\d.,'\s]*[%)]*")


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a table is written. ``skipped``: lines before it; ``header``: if its first row names columns."""

    separator: str
    quoted: bool
    skipped: int
    header: bool


class BrokenTable(ValueError):
    """A table that cannot be read on from ``line`` on."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def records(
    lines: LineReader, *, names: Callable[[str], bool]
) -> tuple[TableShape | None, tuple[str, ...], Iterator[tuple[int | None, dict[str, Any]]]]:
    """The shape of a table, its columns, and its rows as records by column; None, () for an empty table.

    Rows that do not fit the header are complained of. ``names`` says whether a text is a usual name of a
    column. Raises BrokenTable, also while the rows are read.
    """
    csv.field_size_limit(LONGEST_LINE_BYTES)
    texts = (text for _, text in lines)
    sample, whole = taken(texts, SAMPLE_LINES, SAMPLE_CHARACTERS, len)
    suffix = PurePosixPath(lines.source).suffix.lower()
    shape = shape_of(sample, suffix, whole=whole, names=names)
    rows = _rows(chain(sample, texts), shape)
    first = next((row for _, row in rows), None)
    if first is None:
        return None, (), iter(())
    columns = _columns(first) if shape.header else tuple(f"column {n + 1}" for n in range(len(first)))
    begun = rows if shape.header else chain([(shape.skipped + 1, first)], rows)
    return shape, columns, _records(begun, columns, shape, lines.complain)


def shape_of(sample: list[str], suffix: str, *, whole: bool, names: Callable[[str], bool]) -> TableShape:
    """Recognise how a table is written from its first lines; ``whole``: there are no others."""
    stated = _SEPARATOR_LINE.fullmatch(sample[0].strip(" ")) if sample else None
    if stated:
        shapes = [TableShape(stated[1], True, 1, True)]
    else:
        shapes = [TableShape(separator, True, 0, True) for separator in SEPARATORS]
        shapes += [TableShape(separator, False, 0, True) for separator in "\t|"]
    rows, unbroken = _tried(sample, shapes[0], whole)
    best, most = shapes[0], (1, unbroken)
    for shape in shapes:
        found, unbroken = _tried(sample, shape, whole)
        fields = len(found[0]) if found else 0
        regular = sum(len(row) == fields for row in found) >= REGULAR * len(found)
        if fields > 1 and regular and (fields, unbroken) > most:
            best, most, rows = shape, (fields, unbroken), found
    if suffix == ".tsv" and most[0] < 2 and not stated:
        best = TableShape("\t", True, 0, True)
    header = not rows or not _is_data(rows[0], rows[1:], names)
    return TableShape(best.separator, best.quoted, best.skipped, header)


def _is_data(first: list[str], others: list[list[str]], names: Callable[[str], bool]) -> bool:
    """Whether the first row is data as the others are, and names no columns."""
    if any(names(cell) for cell in first):
        return False
    if any(len(cell.split()) >= WORDS_OF_A_TEXT or _FIGURE.fullmatch(cell) for cell in first):
        return True
    columns = [{row[place] for row in others if len(row) > place} for place in range(len(first))]
    return any(cell.strip() and cell in below for cell, below in zip(first, columns, strict=True))


def _tried(sample: list[str], shape: TableShape, whole: bool) -> tuple[list[list[str]], bool]:
    """The rows of a sample under a shape, without a last that may be half; and whether all can be read."""
    found = []
    try:
        for _, row in _rows(iter(sample), shape):
            found.append(row)
    except BrokenTable:
        return found, False
    return (found if whole or len(found) < 2 else found[:-1]), True


def _rows(lines: Iterator[str], shape: TableShape) -> Iterator[tuple[int, list[str]]]:
    """(line of its end, fields) of each row that is not empty."""
    for _ in range(shape.skipped):
        next(lines, None)
    reader = csv.reader(
        (line + "\n" for line in lines),
        delimiter=shape.separator,
        quoting=csv.QUOTE_MINIMAL if shape.quoted else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield reader.line_num + shape.skipped, row
    except csv.Error as error:
        line = reader.line_num + shape.skipped
        message = f"not a valid CSV row: {error}; quote fields, and double quotes within them"
        raise BrokenTable(line, message) from None


def _records(
    rows: Iterable[tuple[int, list[str]]],
    columns: tuple[str, ...],
    shape: TableShape,
    complain: Callable[[int | None, str], None],
) -> Iterator[tuple[int | None, dict[str, Any]]]:
    wanted = len(columns)
    for line, row in rows:
        while len(row) > wanted and not row[-1].strip():
            row.pop()  # spreadsheets write separators behind the last column
        if len(row) == wanted:
            yield line, dict(zip(columns, (field.rstrip("\n") for field in row), strict=True))
            continue
        name = SEPARATOR_NAMES.get(shape.separator, repr(shape.separator))
        remedy = f"put double quotes around fields that hold a {name}, or use another separator"
        complain(line, f"{len(row)} columns in this row, {wanted} in the first one; {remedy}")


def _columns(header: list[str]) -> tuple[str, ...]:
    """Names of columns; a name that comes again gets a number, as pandas gives it."""
    seen: dict[str, int] = {}
    names = []
    for cell in header:
        name = cell.strip().strip("\ufeff")
        seen[name] = seen.get(name, -1) + 1
        names.append(f"{name}.{seen[name]}" if seen[name] else name)
    return tuple(names)
