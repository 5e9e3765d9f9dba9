"""One SQLite file holds a corpus: documents, pages, pieces to search, and figures."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

from core import Explained
from core.documents.layout import chunks
from core.documents.model import Chunk, Cover, Document, Fact

VERSION = 1
FILE = "documents.sqlite"
_TABLES = """
CREATE TABLE document (id INTEGER PRIMARY KEY, name TEXT UNIQUE, sha256 TEXT, company TEXT, ticker TEXT,
  form TEXT, fiscal_year INTEGER, fiscal_period TEXT, period_end TEXT, year_end TEXT, title TEXT,
  pages INTEGER, problems TEXT);
CREATE TABLE page (document INTEGER, number INTEGER, printed TEXT, text TEXT);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, document INTEGER, page INTEGER, printed TEXT, section TEXT,
  kind TEXT, context TEXT, text TEXT, start INTEGER, end INTEGER);
CREATE TABLE fact (document INTEGER, concept TEXT, label TEXT, value TEXT, unit TEXT, start TEXT, end TEXT,
  dimensions TEXT, page INTEGER, span_start INTEGER, span_end INTEGER, section TEXT, tagged INTEGER);
CREATE INDEX page_of ON page (document, number);
CREATE INDEX chunk_of ON chunk (document);
CREATE INDEX fact_of ON fact (document);
"""
_SEARCH = "CREATE VIRTUAL TABLE words USING fts5 (text, context, section, tokenize='porter unicode61')"


class IndexProblem(Explained, ValueError):
    """A corpus that cannot be used: the file, the reason, and what to do."""


def has_full_text() -> bool:
    """Whether this Python's SQLite has FTS5; without it the search counts words."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(_SEARCH)
        except sqlite3.OperationalError:
            return False
    return True


@contextmanager
def opened(folder: Path, *, make: bool = False) -> Iterator[sqlite3.Connection]:
    """The corpus of a folder. Changes are kept if the block ends without an error.

    Raises:
        IndexProblem: there is none, or the file is not one of ours.
    """
    file = folder / FILE
    if not make and not file.is_file():
        raise IndexProblem(
            f"There is no document index in {folder}: finexpert docs add PATH --index {folder}"
        )
    if make:
        folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and make:
                _create(connection)
            elif version != VERSION:
                raise IndexProblem(f"{file} is of another version: delete it and add the documents again")
        except sqlite3.DatabaseError as error:
            raise IndexProblem(
                f"{file} is no document index ({error}): delete it and add the documents again"
            ) from None
        with connection:
            yield connection


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(_TABLES)
    if has_full_text():
        connection.execute(_SEARCH)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def hashes(connection: sqlite3.Connection) -> dict[str, str]:
    """SHA-256 of each document, by name."""
    return {row["name"]: row["sha256"] for row in connection.execute("SELECT name, sha256 FROM document")}


def remove(connection: sqlite3.Connection, name: str) -> bool:
    """Remove a document; whether there was one of that name."""
    row = connection.execute("SELECT id FROM document WHERE name = ?", (name,)).fetchone()
    if row is None:
        return False
    if searchable(connection):
        connection.execute(
            "DELETE FROM words WHERE rowid IN (SELECT id FROM chunk WHERE document = ?)", (row["id"],)
        )
    for table in ("page", "chunk", "fact"):
        connection.execute(f"DELETE FROM {table} WHERE document = ?", (row["id"],))
    connection.execute("DELETE FROM document WHERE id = ?", (row["id"],))
    return True


def add(connection: sqlite3.Connection, document: Document) -> None:
    """Add a document, in the place of an earlier one of its name."""
    remove(connection, document.name)
    cover = document.cover
    number = connection.execute(
        "INSERT INTO document (name, sha256, company, ticker, form, fiscal_year, fiscal_period, period_end,"
        " year_end, title, pages, problems) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(document.name, document.sha256, cover.company, cover.ticker, cover.form, cover.fiscal_year),
            *(cover.fiscal_period, cover.period_end and cover.period_end.isoformat()),
            *(json.dumps(cover.year_end), cover.title, len(document.pages), json.dumps(document.problems)),
        ),
    ).lastrowid
    assert number is not None
    connection.executemany(
        "INSERT INTO page VALUES (?, ?, ?, ?)",
        ((number, page.number, page.printed, page.text) for page in document.pages),
    )
    _add_chunks(connection, number, chunks(document.pages))
    connection.executemany(
        "INSERT INTO fact VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(number, fact.concept, fact.label, str(fact.value), fact.unit),
                *(fact.start and fact.start.isoformat(), fact.end.isoformat(), json.dumps(fact.dimensions)),
                *(fact.page, *fact.span, fact.section, int(fact.tagged)),
            )
            for fact in document.facts
        ),
    )


def _add_chunks(connection: sqlite3.Connection, document: int, found: Iterable[Chunk]) -> None:
    full_text = searchable(connection)
    for chunk in found:
        number = connection.execute(
            "INSERT INTO chunk (document, page, printed, section, kind, context, text, start, end)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(document, chunk.page, chunk.printed, chunk.section, chunk.kind),
                *(chunk.context, chunk.text, *chunk.span),
            ),
        ).lastrowid
        if full_text:
            connection.execute(
                "INSERT INTO words (rowid, text, context, section) VALUES (?, ?, ?, ?)",
                (number, chunk.text, chunk.context, chunk.section),
            )


def searchable(connection: sqlite3.Connection) -> bool:
    """Whether the index has a full-text table that this SQLite can read: it may come from elsewhere."""
    query = "SELECT 1 FROM sqlite_master WHERE name = 'words'"
    return connection.execute(query).fetchone() is not None and has_full_text()


def fact_of(row: sqlite3.Row) -> Fact:
    """A stored figure."""
    return Fact(
        concept=row["concept"],
        label=row["label"],
        value=Decimal(row["value"]),
        unit=row["unit"],
        start=date.fromisoformat(row["start"]) if row["start"] else None,
        end=date.fromisoformat(row["end"]),
        dimensions=tuple((axis, member) for axis, member in json.loads(row["dimensions"])),
        page=row["page"],
        span=(row["span_start"], row["span_end"]),
        section=row["section"],
        tagged=bool(row["tagged"]),
    )


def covers(connection: sqlite3.Connection) -> dict[int, tuple[str, Cover]]:
    """Name and cover of each document, by its number."""
    return {
        row["id"]: (row["name"], cover_of(row))
        for row in connection.execute("SELECT * FROM document ORDER BY name")
    }


def cover_of(row: sqlite3.Row) -> Cover:
    """A stored cover."""
    year_end = json.loads(row["year_end"])
    return Cover(
        company=row["company"],
        ticker=row["ticker"],
        form=row["form"],
        fiscal_year=row["fiscal_year"],
        fiscal_period=row["fiscal_period"],
        period_end=date.fromisoformat(row["period_end"]) if row["period_end"] else None,
        year_end=(year_end[0], year_end[1]) if year_end else None,
        title=row["title"],
    )


def page_text(connection: sqlite3.Connection, document: int, number: int | None) -> str:
    """The text of a page."""
    query = "SELECT text FROM page WHERE document = ? AND number IS ?"
    row = connection.execute(query, (document, number)).fetchone()
    return row["text"] if row else ""
