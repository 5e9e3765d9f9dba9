"""Adds files to an index of documents, lists them and removes them. Nothing leaves the machine here."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from core.documents import covers, store, tables
from core.documents.layout import lines_of, printed_number
from core.documents.model import Cover, Document, Fact, Page
from finexpert.errors import UserError
from finexpert.paths import visible
from finexpert.service.documents import pdf
from finexpert.service.documents.pdf import Unreadable

SUFFIXES = (".pdf", ".htm", ".html", ".xhtml", ".txt", ".md", ".csv", ".tsv", ".xlsx", ".docx")
SETTABLE = ("company", "ticker", "form", "fiscal_year", "fiscal_period", "period_end", "title")
LARGEST_BYTES = 512 * 1024 * 1024
MOST_CELLS = 20_000_000  # of a workbook, empty ones between them included
MOST_COLUMNS = 1000  # of a table in a Word file
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Added:
    """The result for one file. `outcome`: added, replaced, unchanged or failed; `why` in the last case."""

    name: str
    outcome: str
    why: str = ""
    cover: Cover | None = None
    pages: int = 0
    facts: int = 0


def settable(given: Mapping[str, str]) -> dict[str, Any]:
    """Parts of a cover as a person writes them, each as the cover keeps it.

    Raises:
        UserError: a name is not one of SETTABLE, or a year or a date cannot be read.
    """
    if unknown := sorted(set(given) - set(SETTABLE)):
        raise UserError(f"--set knows no {', '.join(unknown)}", fix=f"Known: {', '.join(SETTABLE)}.")
    kinds: dict[str, Callable[[str], Any]] = {"fiscal_year": int, "period_end": date.fromisoformat}
    try:
        return {name: kinds.get(name, str)(text) for name, text in given.items()}
    except ValueError as error:
        raise UserError(
            f"A part of the cover cannot be read: {error}.",
            where="--set",
            fix="Write a year such as fiscal_year=2024, a day such as period_end=2024-12-31.",
        ) from None


def files(paths: Iterable[Path]) -> list[Path]:
    """The readable files below some paths, in order; a file that is named is taken with any suffix.

    Raises:
        UserError: a path does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist.", fix="Name a file or a folder that does.")
        inside = visible(path).values() if path.is_dir() else [path]
        found |= {file: None for file in inside if file == path or file.suffix.lower() in SUFFIXES}
    return list(found)


def add(
    folder: Path,
    paths: Iterable[Path],
    *,
    changes: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> list[Added]:
    """Add files to the index in `folder`. The same file twice is one document; a changed one replaces itself.

    A file that cannot be read is reported, and the others are added. Each file is kept as soon as it is read.

    Args:
        changes: parts of the cover to set; see `settable`.
        progress: called before each file with its number, how many there are, and its name.
    """
    given = files(paths)
    done = []
    with pdf.Reader() as reader:
        for number, path in enumerate(given, 1):
            if progress:
                progress(number, len(given), path.name)
            done.append(_add(folder, path, changes or {}, reader))
    return done


def _add(folder: Path, path: Path, changes: Mapping[str, Any], reader: pdf.Reader) -> Added:
    try:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        with store.opened(folder, make=True) as connection:
            known = store.hashes(connection)
            if known.get(path.name) == digest and not changes:
                return Added(path.name, "unchanged")
            same = next(
                (name for name, other in known.items() if other == digest and name != path.name), None
            )
            if same and not changes:
                return Added(path.name, "unchanged", f"the same file as {same}")
            document = _document(path, content, digest, changes, reader)
            store.add(connection, document)
    except (Unreadable, OSError) as error:
        return Added(path.name, "failed", str(error))
    outcome = "replaced" if path.name in known else "added"
    return Added(
        path.name,
        outcome,
        "; ".join(document.problems),
        document.cover,
        len(document.pages),
        len(document.facts),
    )


def read(path: Path, content: bytes, digest: str) -> Document:
    """A file as a document.

    Raises:
        Unreadable: no text can be read from it: why, and what to do.
    """
    with pdf.Reader() as reader:
        return _document(path, content, digest, {}, reader)


def _document(
    path: Path, content: bytes, digest: str, changes: Mapping[str, Any], reader: pdf.Reader
) -> Document:
    if len(content) > LARGEST_BYTES:
        raise Unreadable(f"it has {len(content) >> 20} MB, more than {LARGEST_BYTES >> 20}: split it")
    try:
        pages, facts, tags, problems = _parts(path, content, reader)
    except Unreadable:
        raise
    except Exception as error:  # whatever a damaged or hostile file makes its reader raise
        raise Unreadable(f"it is damaged ({type(error).__name__}): open it and save it again") from None
    if not any(page.text.strip() for page in pages):
        raise Unreadable("no text was found in it")
    cover = _changed(covers.read(path.name, [page.text for page in pages[:10]], tags), changes)
    tagged = len(facts) > 100
    cells = () if tagged else tuple(tables.facts(pages, cover))
    return Document(path.name, digest, cover, pages, (*facts, *cells), problems)


def _changed(cover: Cover, changes: Mapping[str, Any]) -> Cover:
    end = changes.get("period_end")
    year_end = cover.year_end or (end and (end.month, end.day))
    return replace(cover, **changes, year_end=year_end)


Parts = tuple[tuple[Page, ...], tuple[Fact, ...], dict[str, str], tuple[str, ...]]


def _parts(path: Path, content: bytes, reader: pdf.Reader) -> Parts:
    """Pages, tagged figures, cover tags and problems. A file's first bytes say more than its name."""
    suffix = path.suffix.lower()
    if content[:1024].lstrip().startswith(b"%PDF"):
        pages, problems = pdf.read(path, reader)
        return pages, (), {}, problems
    if content[:2] == b"PK":
        return _plain(_office(content, suffix))
    begin = content[:2000].lower()
    if suffix in {".htm", ".html", ".xhtml"} or b"<html" in begin or b"<!doctype html" in begin:
        from finexpert.service.documents import html

        return (*html.read(content), ())
    if b"\x00" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("it is no text: PDF, HTML, text, Markdown, CSV, XLSX and DOCX are read")
    text = decoded(content)
    if suffix in {".csv", ".tsv"}:
        return _plain(_table(text, "\t" if suffix == ".tsv" else None))
    return _plain(text)


def _plain(text: str) -> Parts:
    """Text as one page without a number, or as pages where form feeds part it."""
    parts = text.replace("\r\n", "\n").replace("\r", "\n").split("\f")
    pages = tuple(
        Page(number if len(parts) > 1 else None, part, lines_of(part), printed_number(part.splitlines()))
        for number, part in enumerate(parts, 1)
    )
    return pages, (), {}, ()


def decoded(content: bytes) -> str:
    """Text as spreadsheets and editors write it: UTF-8, UTF-16 with a mark, or Windows' own."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("windows-1252", errors="replace")


def _table(text: str, separator: str | None) -> str:
    """Rows of a CSV file as lines whose cells stand apart."""
    if separator is None:
        try:
            separator = csv.Sniffer().sniff(text[:8192], delimiters=",;\t|").delimiter
        except csv.Error:
            separator = ","
    csv.field_size_limit(LARGEST_BYTES)  # the module's own is 131,072 characters
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    return "\n".join("  ".join(cell.strip() for cell in row if cell.strip()) for row in rows)


def _office(content: bytes, suffix: str) -> str:
    inside = parts_of(content)
    if "word/document.xml" in inside:
        return "\n".join(_word(content))
    if "xl/workbook.xml" in inside:
        return "\f".join(_sheets(content))
    raise Unreadable(
        f"a {suffix or 'packed'} file is not read: PDF, HTML, text, Markdown, CSV, XLSX and DOCX are"
    )


def parts_of(content: bytes) -> set[str]:
    """Names of the parts of an Office file.

    Raises:
        Unreadable: it unpacks to more than is read.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(info.file_size for info in archive.infolist()) > LARGEST_BYTES:
            raise Unreadable(f"it unpacks to more than {LARGEST_BYTES >> 20} MB: split it")
        return set(archive.namelist())


def _word(content: bytes) -> Iterator[str]:
    import docx
    from docx.table import Table

    for part in docx.Document(io.BytesIO(content)).iter_inner_content():
        if isinstance(part, Table):
            for row in part.rows:
                if sum(cell.grid_span for cell in row._tr.tc_lst) > MOST_COLUMNS:
                    raise Unreadable(f"a table in it claims more than {MOST_COLUMNS:,} columns")
                yield "  ".join(dict.fromkeys(cell.text.strip() for cell in row.cells if cell.text.strip()))
            yield ""
        else:
            yield part.text


def _sheets(content: bytes) -> Iterator[str]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        for sheet in book.worksheets:
            lines = [sheet.title]
            for row in rows_of(sheet):
                lines.append("  ".join(_shown(cell) for cell in row if cell is not None))
            yield "\n".join(lines)
    finally:
        book.close()


def rows_of(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """The values of a sheet by rows, empty rows between them included.

    Raises:
        Unreadable: there are more than MOST_CELLS; one cell in a far row is enough.
    """
    sheet.reset_dimensions()  # a sheet may claim a million empty rows of 16,384 cells
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        cells += 1 + len(row)
        if cells > MOST_CELLS:
            raise Unreadable(f"a sheet in it reaches over more than {MOST_CELLS:,} cells: delete empty rows")
        yield row


def _shown(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and not 1900 <= cell <= 2100:
        return f"{cell:,}"
    return re.sub(r"\s+", " ", str(cell)).removesuffix(" 00:00:00")
