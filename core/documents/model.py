"""The data of a document: its cover, its pages, the parts that are searched, and its figures."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["heading", "text", "row"]
Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Cover:
    """A document's own words about itself. An empty text or None: not found."""

    company: str = ""
    ticker: str = ""
    form: str = ""
    fiscal_year: int | None = None
    fiscal_period: str = ""
    """FY, Q1, Q2 or Q3."""
    period_end: date | None = None
    year_end: tuple[int, int] | None = None
    """Month and day on which the company's fiscal year ends."""
    title: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a page's text. `cells`: the spans of a table row's cells on the page."""

    kind: Kind
    start: int
    end: int
    cells: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Page:
    """A page of text. `number` counts from 1; None where the document has no pages."""

    number: int | None
    text: str
    lines: tuple[Line, ...]
    printed: str = ""

    def of(self, line: Line) -> str:
        """The text of a line."""
        return self.text[line.start : line.end]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A figure with its name, its time and its place.

    Args:
        concept: the XBRL concept without its prefix; empty for a cell of a table without tags.
        label: the row's label, with the labels that it stands below.
        value: in units: a table's thousands or millions are multiplied out.
        unit: USD, shares, USD/share, % or whatever the document names.
        start: the first day of the time that the figure is of; None for a moment.
        end: the last day, or the moment.
        dimensions: what it is restricted to, such as (ProductOrServiceAxis, IPhone).
        page, span: where the figure stands.
    """

    concept: str
    label: str
    value: Decimal
    unit: str
    end: date
    start: date | None = None
    dimensions: tuple[tuple[str, str], ...] = ()
    page: int | None = None
    span: Span = (0, 0)
    section: str = ""
    tagged: bool = False

    @property
    def days(self) -> int:
        """The days of the figure's time; 0 for a moment."""
        return (self.end - self.start).days + 1 if self.start else 0


@dataclass(frozen=True)
class Chunk:
    """A piece that is found as a whole.

    Args:
        context: what the piece is to be read with: a table's caption, units and column headings.
        span: where its own text stands on the page.
    """

    page: int | None
    printed: str
    section: str
    kind: Literal["text", "table"]
    context: str
    text: str
    span: Span


@dataclass(frozen=True)
class Document:
    """A document as it was read. `name`: the file's name; `sha256`: of the file's bytes."""

    name: str
    sha256: str
    cover: Cover
    pages: tuple[Page, ...]
    facts: tuple[Fact, ...] = ()
    problems: tuple[str, ...] = field(default=())
