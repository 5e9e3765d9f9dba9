"""Finds the figures that a question names, exactly, or says why none can be given."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.documents import statements, store
from core.documents.model import Cover, Fact
from core.documents.naming import (
    PART,
    WEAK,
    Rank,
    fit,
    in_full,
    inside_words,
    members_of,
    plain,
    rank_of,
)
from core.documents.periods import Period, period_of
from core.documents.questions import Asked
from core.documents.wording import counted, sequence, stems, synonyms

SURE = 0.75
"""A name must be asked for by at least this share of its words."""
LEVEL = 0.03
"""Names that fit equally well within this are the same answer, or an ambiguity."""
_OWNER = re.compile(r"\b\w+(?:,?\s+(?:Inc|Corp|Co))?\.?[’']s\b")


@dataclass(frozen=True)
class Candidate:
    """A figure that may be meant, its document, and the fit of its name (0 to 1).

    Args:
        statement: the financial statement that it stands in; empty for a note or another table.
        rank: a Rank, best first, and PART more for a part of the company.
    """

    fact: Fact
    document: int
    name: str
    score: float
    period: Period | None
    statement: str = ""
    rank: int = Rank.FITS_IN_NOTE


def candidates(
    connection: sqlite3.Connection,
    covers: Mapping[int, tuple[str, Cover]],
    asked: Asked,
    documents: Sequence[int],
    *,
    least: float = SURE,
) -> list[Candidate]:
    """Figures whose name fits and whose time and statement were asked for, best first.

    `least`: the least fit of a name; below SURE, neither statements nor ranks are found. A question without
    a time leaves figures of all times.
    """
    if not asked.terms:
        return []
    found = []
    terms = _terms(asked)
    rest, text = sequence(plain(asked.rest)), sequence(plain(asked.text))
    own = {number: stems(cover.company) for number, (_, cover) in covers.items()}
    owned = f" {' '.join(sequence(_OWNER.sub(' ', asked.text)))} "
    rows = connection.execute(
        f"SELECT * FROM fact WHERE document IN ({','.join('?' * len(documents))})", tuple(documents)
    )
    fitting = [
        (row, dimensions, score)
        for row in rows
        for dimensions in [members_of(row["dimensions"])]
        for score in [fit(terms, row["concept"], row["label"], dimensions, own[row["document"]])]
        if score >= least
    ]
    exactly = least >= SURE or bool(asked.statement)
    known = _statements(connection, {row["document"] for row, _, _ in fitting}) if exactly else {}
    wanted = asked.statement if asked.statement in known.values() else ""
    for row, dimensions, score in fitting:
        statement = known.get(_table(row), "")
        if wanted and statement != wanted:
            continue
        fact = store.fact_of(row)
        name, cover = covers[row["document"]]
        period = period_of(fact.start, fact.end, cover)
        if _wanted(fact, period, asked):
            company = own[row["document"]]
            inside = inside_words(dimensions, company, terms)
            score += LEVEL * 2 if dimensions != "[]" and in_full(dimensions, company, owned) else 0
            primary = statement not in {"", statements.EQUITY} or statement == wanted != ""
            ranked = rank_of(terms, rest, text, fact, inside, company, primary=primary) if exactly else 0
            found.append(Candidate(fact, row["document"], name, score, period, statement, ranked))
    order = {document: place for place, document in enumerate(documents)}
    return sorted(found, key=lambda each: (-round(each.score, 2), not each.fact.tagged, order[each.document]))


def _statements(connection: sqlite3.Connection, documents: set[int]) -> Mapping[statements.Table, str]:
    """The statements of some documents, by their tables."""
    rows = connection.execute(
        "SELECT document, page, section, concept, label FROM fact WHERE dimensions = '[]'"
        f" AND document IN ({','.join('?' * len(documents))})",
        tuple(documents),
    )
    return statements.of_tables(
        (_table(row), statements.anchor(row["concept"], row["label"])) for row in rows
    )


def _table(row: sqlite3.Row) -> statements.Table:
    return row["document"], row["page"], row["section"]


def _terms(asked: Asked) -> frozenset[str]:
    """The question's words, and those that it says twice: cash and restricted cash is not restricted cash."""
    said = counted(plain(asked.rest)) - {f"{weak}#2" for weak in WEAK}
    return frozenset(each for each in said if each.partition("#")[0] in asked.terms)


def _wanted(fact: Fact, period: Period | None, asked: Asked) -> bool:
    wanted = asked.filter
    if wanted.moments:
        fits = wanted.months is None or abs(fact.days - wanted.months * 30.4) <= 15
        return fits and fact.end in wanted.moments
    if wanted.months == 0 and fact.start is not None:
        return False
    return not wanted.periods or period in wanted.periods


def decided(found: Sequence[Candidate], terms: frozenset[str]) -> tuple[Candidate | None, list[Candidate]]:
    """The one figure that all best candidates agree on; else None, and those that differ.

    Best are those that are named best; of them, those of the first document. Figures agree if the less exact
    one is the other rounded. The most exact one is given.
    """
    if not found:
        return None, []
    best = _best(found, terms)
    first = [each for each in best if each.document == best[0].document]
    for group in (first, best, *_narrower(first, terms)):
        exact = max(group, key=lambda each: _digits(each.fact.value), default=None)
        if exact and all(agree(exact.fact, each.fact) for each in group):
            return exact, []
    if repeated := _repeated(first):
        return repeated, []
    different: dict[tuple[Decimal, Period | None, str], Candidate] = {}
    for each in first:
        different.setdefault((each.fact.value, each.period, each.fact.unit), each)
    return None, list(different.values())


def _best(found: Sequence[Candidate], terms: frozenset[str]) -> list[Candidate]:
    """The candidates that are named best, and those that a person may mean as well.

    Equity with and without minorities may both be called so in a balance sheet, and a row of a note may be
    printed as the question says while a statement's row is only another name of it.
    """
    level = [each for each in found if each.score >= found[0].score - LEVEL or each.rank < Rank.FITS]
    lowest = min(each.rank for each in level)
    best = [each for each in level if each.rank == lowest]
    if lowest >= Rank.FITS:
        whole = [each for each in level if each.rank < Rank.FITS + PART]
        return whole or _of_parts(level, terms)
    if lowest >= PART:
        return _of_parts([each for each in level if PART <= each.rank < Rank.FITS], terms)
    beside = [each for each in level if each.rank == lowest + 1]
    if lowest == Rank.PRINTED_IN_NOTE:  # depreciation: a tax liability at a moment, and the cost of a year
        beside = [each for each in beside if bool(each.fact.start) != bool(best[0].fact.start)]
    elif lowest == Rank.CALLED:  # a cost of a year, which a note of deferred taxes prints at a moment
        beside = [each for each in beside if bool(each.fact.start) == bool(best[0].fact.start)]
    elif lowest != Rank.WHOLE:
        beside = []
    if beside and not any(agree(a.fact, b.fact) or agree(b.fact, a.fact) for a in best for b in beside):
        return [*best, *beside]
    return best


def _of_parts(found: Sequence[Candidate], terms: frozenset[str]) -> list[Candidate]:
    """The best named figures of each part of the company; of segments if the question says so."""
    segments = [each for each in found if any("Segments" in axis for axis, _ in each.fact.dimensions)]
    kept = segments if segments and "segment" in terms else found
    top = max(each.score for each in kept)
    kept = [each for each in kept if each.score >= top - LEVEL]
    lowest = {each.fact.dimensions: each.rank for each in sorted(kept, key=lambda each: -each.rank)}
    return [each for each in kept if each.rank == lowest[each.fact.dimensions]]


def _narrower(found: Sequence[Candidate], terms: frozenset[str]) -> Iterator[list[Candidate]]:
    """Smaller groups of figures that differ, none of them named as printed.

    First those whose row has the question's words, then those of the concept that is first called so.
    """
    if any(
        each.rank % PART in {Rank.PRINTED, Rank.NAMED, Rank.WHOLE, Rank.PRINTED_IN_NOTE} for each in found
    ):
        return
    yield [each for each in found if terms - WEAK <= stems(each.fact.label)]
    order = [concept for concept in synonyms() if any(each.fact.concept == concept for each in found)]
    if order and all(terms - WEAK in synonyms()[concept] for concept in order):
        yield [each for each in found if each.fact.concept == order[0]]


def _repeated(found: Sequence[Candidate]) -> Candidate | None:
    """The one figure of a time that stands on several pages, if every other stands on one.

    A company's own figure is in its statements and again in its tables; a part of it is not. Names of one
    word are too common for that.
    """
    if len({(each.period, each.fact.start is None, each.fact.unit) for each in found}) != 1:
        return None
    if any(len(stems(each.fact.label.rpartition(":")[2]) - WEAK) < 2 for each in found):
        return None
    pages: dict[tuple[Decimal, str], set[int | None]] = {}
    for each in found:
        pages.setdefault((abs(each.fact.value), each.fact.unit), set()).add(each.fact.page)
    often = [key for key, on in pages.items() if len(on) > 1]
    if len(often) != 1:
        return None
    return next(each for each in found if (abs(each.fact.value), each.fact.unit) == often[0])


def agree(exact: Fact, other: Fact) -> bool:
    """Whether two figures are the same one, given with different precision."""
    if exact.unit != other.unit or exact.end != other.end or bool(exact.start) != bool(other.start):
        return False
    if abs(exact.days - other.days) > 20:
        return False
    as_given = other.value if other.tagged else other.value.normalize()  # a tag keeps the zero of 9.0 billion
    _, digits, exponent = as_given.as_tuple()
    assert isinstance(exponent, int)
    return exact.value == other.value or (
        len(digits) >= 2 and abs(exact.value - other.value) <= Decimal(1).scaleb(exponent) / 2
    )


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)
