"""Finds the figures that a question names, exactly, or says why none can be given."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache

from core.documents import statements, store
from core.documents.model import Cover, Fact
from core.documents.periods import Period, period_of
from core.documents.questions import Asked
from core.documents.wording import COUNTRIES, counted, groups, sequence, stems, synonyms

WEAK = frozenset(
    {"total", "consolidat", "overall", "compani", "combin", "aggregat", "group", "segment", "region", "divis"}
)
"""Words that a question may have or lack without asking for another figure."""
IDLE = WEAK - {"consolidat"}
"""Words that a figure's name may have beyond the question's. Consolidated net income is not net income."""
TELLING = stems(
    "other deferred accumulated comprehensive noncontrolling before after excluding including current "
    "noncurrent non gross unrealized prepaid accrued unearned basic diluted short long restricted "
    "discontinued adjusted"
)
"""Words that make another figure of a name, if the question lacks them."""
SURE = 0.75
"""A name must be asked for by at least this share of its words."""
OTHER = 0.95
"""How much another name for the same thing counts beside the one that stands there."""
LEAF = 0.96
"""How much a row's label counts where the heading above the row is not asked for."""
LEVEL = 0.03
"""Names that fit equally well within this are the same answer, or an ambiguity."""
_SAID_TWICE = re.compile(r'\["[^"]*ConsolidationItemsAxis", "[^"]*OperatingSegmentsMember"\],? ?')
"""Says of a segment's figure only that it is one of the operating segments'."""
_OWNERS = re.compile(r"\battributable to (?!non-?controlling|(?:the )?minorit).*?(?=[—–,:-]|$)", re.I)
"""Says whose income it is, if it is the shareholders'."""
_OWNER = re.compile(r"\b\w+(?:,?\s+(?:Inc|Corp|Co))?\.?[’']s\b")


class Rank(IntEnum):
    """How a question names a figure, best first. A part of the company comes PART later.

    PRINTED: as its row is printed, in a statement. WHOLE: the same but for words such as total. CALLED: by
    its concept's name, or another for that. NAMED: both of these. FITS: by a name that holds the words.
    """

    PRINTED = 0
    NAMED = 1
    WHOLE = 2
    CALLED = 3
    PRINTED_IN_NOTE = 4
    NAMED_IN_NOTE = 5
    FITS = 20
    FITS_IN_NOTE = 21


PART = 10


@dataclass(frozen=True)
class Candidate:
    """A figure that may be meant, the document that it stands in, and how well its name fits (0 to 1).

    Args:
        statement: the financial statement that it stands in; empty for a note or another table.
        rank: how it is named, best first: a Rank, and PART more for a part of the company.
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

    `least`: how well a name must fit; below SURE, neither statements nor ranks are found. A question without
    a time leaves figures of all times.
    """
    if not asked.terms:
        return []
    found = []
    terms, words = _terms(asked), _Words(sequence(_plain(asked.rest)), sequence(_plain(asked.text)))
    own = {number: stems(cover.company) for number, (_, cover) in covers.items()}
    owned = f" {' '.join(sequence(_OWNER.sub(' ', asked.text)))} "
    rows = connection.execute(
        f"SELECT * FROM fact WHERE document IN ({','.join('?' * len(documents))})", tuple(documents)
    )
    fitting = [
        (row, dimensions, score)
        for row in rows
        for dimensions in [_members(row["dimensions"])]
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
            inside = _inside(dimensions, company, terms)
            score += LEVEL * 2 if dimensions != "[]" and _in_full(dimensions, company, owned) else 0
            primary = statement not in {"", statements.EQUITY} or statement == wanted != ""
            ranked = rank_of(terms, words, fact, inside, company, primary=primary) if exactly else 0
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


@lru_cache(maxsize=65536)
def _members(dimensions: str) -> str:
    """What a figure is restricted to, without what the other members say already."""
    rest = _SAID_TWICE.sub("", dimensions)
    return rest if "Member" in rest else dimensions


def _terms(asked: Asked) -> frozenset[str]:
    """The question's words, and those that it says twice: cash and restricted cash is not restricted cash."""
    said = counted(_plain(asked.rest)) - {f"{weak}#2" for weak in WEAK}
    return frozenset(each for each in said if each.partition("#")[0] in asked.terms)


def _wanted(fact: Fact, period: Period | None, asked: Asked) -> bool:
    wanted = asked.filter
    if wanted.moments:
        fits = wanted.months is None or abs(fact.days - wanted.months * 30.4) <= 15
        return fits and fact.end in wanted.moments
    if wanted.months == 0 and fact.start is not None:
        return False
    return not wanted.periods or period in wanted.periods


def _member(name: str) -> tuple[str, ...]:
    """The words of a member's name; a country's code is read as its name."""
    return sequence(COUNTRIES.get(name, name.removesuffix("Member")))


@lru_cache(maxsize=65536)
def _in_full(dimensions: str, company: frozenset[str], text: str) -> bool:
    """Whether the question gives a member's whole name, the company's name in it included."""
    members = [_member(each) for each in re.findall(r', "([^"]+)"\]', dimensions)]
    return any(company & set(each) and f" {' '.join(each)} " in text for each in members)


@lru_cache(maxsize=65536)
def _inside(dimensions: str, company: frozenset[str], terms: frozenset[str]) -> tuple[frozenset[str], ...]:
    """The words of each member that a figure is restricted to, or its initials if the question gives these.

    "Walmart U.S." is asked for as "U.S.", and Europe, Middle East and Africa as EMEA.
    """
    found = []
    for member in re.findall(r', "([^"]+)"\]', dimensions):
        words = frozenset(_member(member))
        words = words - company - WEAK or words - WEAK or words
        first = sorted(word[0] for word in words)
        found.append(frozenset(e for e in terms if len(e) > 2 and sorted(e) == first) or words)
    return tuple(found)


@lru_cache(maxsize=65536)
def fit(
    terms: frozenset[str], concept: str, label: str, dimensions: str, company: frozenset[str] = frozenset()
) -> float:
    """How well a figure's name fits a question's words: 0 if a word is missing, 1 if none is too many."""
    members = _inside(dimensions, company, terms)
    if any(member and not member & terms for member in members):
        return 0.0
    inside = frozenset().union(*members)
    best = 0.0
    for name, weight in names(concept, label, company):
        strong = name - IDLE
        if not strong - WEAK or terms - name - inside - WEAK or strong & TELLING - terms:
            continue
        hits = len(strong & terms)
        share = hits / len(strong)
        if members:
            share *= 0.97 * (0.5 + 0.5 * sum(len(m & terms) / max(1, len(m)) for m in members) / len(members))
        if (terms & WEAK) - name:
            share *= 0.985
        best = max(best, share * weight)
    return best


@dataclass(frozen=True)
class _Words:
    """A question's words in order: those that are neither names nor times, and all."""

    rest: tuple[str, ...]
    text: tuple[str, ...]


def rank_of(
    terms: frozenset[str],
    words: _Words,
    fact: Fact,
    members: tuple[frozenset[str], ...],
    company: frozenset[str],
    *,
    primary: bool,
) -> int:
    """The Rank of a figure in a question."""
    inside = frozenset().union(*members)
    rest = tuple(word for word in words.rest if word not in inside)
    wanted = terms - inside
    printed = _printed(fact.label, company, rest, words.text)
    whole = _same(wanted, _own_names(fact.label, company))
    called = _in_order(rest, sequence(fact.concept)) or _same(wanted, synonyms().get(fact.concept, ()))
    if printed:
        rank = Rank.PRINTED if primary else Rank.PRINTED_IN_NOTE
    elif whole or called:
        exact = Rank.NAMED if whole and called else Rank.WHOLE if whole else Rank.CALLED
        rank = exact if primary else Rank.NAMED_IN_NOTE
    else:
        rank = Rank.FITS if primary else Rank.FITS_IN_NOTE
    return rank + (PART if members else 0)


def _in_order(rest: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether the words are the name, word by word, but for words that do not count."""
    return [word for word in rest if word not in WEAK] == [word for word in name if word not in IDLE]


@lru_cache(maxsize=65536)
def _printed(label: str, company: frozenset[str], rest: tuple[str, ...], text: tuple[str, ...]) -> bool:
    """Whether the question holds the row's label word by word, alone or below its heading.

    The company's name may stand in the label, and then it must stand there in the question, too.
    """
    plain = _plain(label)
    asked = f" {' '.join(text)} "
    return any(
        name
        and tuple(word for word in name if word not in company) == rest
        and f" {' '.join(name)} " in asked
        for name in map(sequence, _below(plain))
    )


@lru_cache(maxsize=65536)
def _own_names(label: str, company: frozenset[str]) -> tuple[frozenset[str], ...]:
    """A row's label as words, without brackets such as (loss)."""
    plain = _unbracketed(label)
    found = {counted(each) for each in _below(plain)}
    return tuple(name for name in found | {name - company for name in found} if name - WEAK)


def _below(label: str) -> list[str]:
    """A row's label, and the same without the headings above it, one after the other."""
    parts = label.split(": ")
    return [": ".join(parts[place:]) for place in range(len(parts))]


def _same(wanted: frozenset[str], named: Iterable[frozenset[str]]) -> bool:
    """Whether the words are one of the names, but for words that do not count; a total is asked of totals."""
    return any(name - IDLE in (wanted - IDLE, wanted - WEAK) and wanted & {"total"} <= name for name in named)


def _plain(label: str) -> str:
    """A row's label without the marks of its footnotes."""
    return re.sub(r"\((?:\d{1,2}|[a-z])\)|(?<=[a-z)])\d{1,2}\b", "", label)


def _unbracketed(label: str) -> str:
    return re.sub(r"\((?:loss(?:es)?|benefit|deficit)\)", "", _plain(label))


@lru_cache(maxsize=65536)
def names(
    concept: str, label: str, company: frozenset[str] = frozenset()
) -> tuple[tuple[frozenset[str], float], ...]:
    """The names of a figure as stems, each with how much it counts: label, concept, other names."""
    plain = _unbracketed(label)
    leaf = plain.rpartition(": ")[2]
    own = [counted(plain), counted(concept), counted(_plain(label))]
    own += [name - company for name in own[::2]]
    below = [counted(each) for text in (plain, _plain(label)) for each in _below(text)[1:]]
    leaves = [*below, *(name - company for name in below)]
    others = [*synonyms().get(concept, ())]
    known = {stems(plain), stems(leaf), stems(_OWNERS.sub("", plain)), stems(_OWNERS.sub("", leaf))}
    for group in groups():
        if known & {*group}:
            others.extend(group)
    named = dict.fromkeys(others, OTHER) | dict.fromkeys(leaves, LEAF) | dict.fromkeys(own, 1.0)
    return tuple((name, weight) for name, weight in named.items() if name)


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
    """Of figures of parts of the company, the best named of each; of segments if the question says so."""
    segments = [each for each in found if any("Segments" in axis for axis, _ in each.fact.dimensions)]
    kept = segments if segments and "segment" in terms else found
    top = max(each.score for each in kept)
    kept = [each for each in kept if each.score >= top - LEVEL]
    lowest = {each.fact.dimensions: each.rank for each in sorted(kept, key=lambda each: -each.rank)}
    return [each for each in kept if each.rank == lowest[each.fact.dimensions]]


def _narrower(found: Sequence[Candidate], terms: frozenset[str]) -> Iterator[list[Candidate]]:
    """Of figures that differ and are not named as printed: those whose row has the question's words, then
    those of the concept that is first called so."""
    if any(
        each.rank % PART in {Rank.PRINTED, Rank.NAMED, Rank.WHOLE, Rank.PRINTED_IN_NOTE} for each in found
    ):
        return
    yield [each for each in found if terms - WEAK <= stems(each.fact.label)]
    order = [concept for concept in synonyms() if any(each.fact.concept == concept for each in found)]
    if order and all(terms - WEAK in synonyms()[concept] for concept in order):
        yield [each for each in found if each.fact.concept == order[0]]


def _repeated(found: Sequence[Candidate]) -> Candidate | None:
    """Of figures of one time, the one that stands on several pages, if every other stands on one.

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
