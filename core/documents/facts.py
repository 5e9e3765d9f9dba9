"""Finds the figures that a question names, exactly, or says why none can be given."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from core.documents import store
from core.documents.model import Cover, Fact
from core.documents.periods import Period, period_of
from core.documents.questions import Asked
from core.documents.wording import groups, stems, synonyms

WEAK = frozenset(
    {"total", "consolidat", "overall", "compani", "combin", "aggregat", "group", "segment", "region", "divis"}
)
"""Words that a figure may have or lack without being another figure."""
SURE = 0.75
"""A name must be asked for by at least this share of its words."""
OTHER = 0.95
"""How much another name for the same thing counts beside the one that stands there."""
LEAF = 0.96
"""How much a row's label counts where the heading above the row is not asked for."""
LEVEL = 0.03
"""Names that fit equally well within this are the same answer, or an ambiguity."""


@dataclass(frozen=True)
class Candidate:
    """A figure that may be meant, the document that it stands in, and how well its name fits (0 to 1)."""

    fact: Fact
    document: int
    name: str
    score: float
    period: Period | None


def candidates(
    connection: sqlite3.Connection,
    covers: Mapping[int, tuple[str, Cover]],
    asked: Asked,
    documents: Sequence[int],
    *,
    least: float = SURE,
) -> list[Candidate]:
    """Figures whose name fits and whose time was asked for, best first.

    `least`: how well a name must fit. A question without a time leaves figures of all times.
    """
    if not asked.terms:
        return []
    found = []
    own = {number: stems(cover.company) for number, (_, cover) in covers.items()}
    for row in connection.execute(
        f"SELECT * FROM fact WHERE document IN ({','.join('?' * len(documents))})", tuple(documents)
    ):
        score = fit(asked.terms, row["concept"], row["label"], row["dimensions"], own[row["document"]])
        if score < least:
            continue
        fact = store.fact_of(row)
        name, cover = covers[row["document"]]
        period = period_of(fact.start, fact.end, cover)
        if _wanted(fact, period, asked):
            found.append(Candidate(fact, row["document"], name, score, period))
    order = {document: place for place, document in enumerate(documents)}
    return sorted(found, key=lambda each: (-round(each.score, 2), not each.fact.tagged, order[each.document]))


def _wanted(fact: Fact, period: Period | None, asked: Asked) -> bool:
    wanted = asked.filter
    if wanted.moments:
        fits = wanted.months is None or abs(fact.days - wanted.months * 30.4) <= 15
        return fits and fact.end in wanted.moments
    return not wanted.periods or period in wanted.periods


@lru_cache(maxsize=65536)
def fit(
    terms: frozenset[str], concept: str, label: str, dimensions: str, company: frozenset[str] = frozenset()
) -> float:
    """How well a figure's name fits a question's words: 0 if a word is missing, 1 if none is too many."""
    members = [stems(member.removesuffix("Member")) for member in re.findall(r', "([^"]+)"\]', dimensions)]
    members = [member - company or member for member in members]  # "Walmart U.S." is asked for as "U.S."
    if any(member and not member & terms for member in members):
        return 0.0
    inside = frozenset().union(*members)
    best = 0.0
    for name, weight in names(concept, label):
        strong = name - WEAK
        if not strong or terms - name - inside - WEAK:
            continue
        hits = len(strong & terms)
        share = hits / len(strong)
        if members:
            share *= 0.97 * (0.5 + 0.5 * sum(len(m & terms) / max(1, len(m)) for m in members) / len(members))
        if (terms & WEAK) - name:
            share *= 0.985
        best = max(best, share * weight)
    return best


@lru_cache(maxsize=65536)
def names(concept: str, label: str) -> tuple[tuple[frozenset[str], float], ...]:
    """The names of a figure as stems, each with how much it counts: label, concept, other names."""
    plain = re.sub(r"\((?:\d+|[a-z]|loss(?:es)?|benefit|deficit)\)", "", label)
    leaf = plain.rpartition(":")[2]
    own = [stems(plain), stems(concept), stems(re.sub(r"\(\d+\)", "", label))]
    others = [*synonyms().get(concept, ())]
    bare = stems(re.sub(r"\battributable to\b.*?(?=[—–,-]|$)", "", leaf))
    for group in groups():
        if stems(plain) in group or stems(leaf) in group or bare in group:
            others.extend(group)
    named = dict.fromkeys(others, OTHER) | {stems(leaf): LEAF} | dict.fromkeys(own, 1.0)
    return tuple((name, weight) for name, weight in named.items() if name)


def decided(found: Sequence[Candidate], terms: frozenset[str]) -> tuple[Candidate | None, list[Candidate]]:
    """The one figure that all best candidates agree on; else None, and those that differ.

    Figures agree if the less exact one is the other rounded. The most exact one is given. Of figures that
    differ, the one whose concept is called as the question calls it counts.
    """
    if not found:
        return None, []
    best = [each for each in found if each.score >= found[0].score - LEVEL]
    best = [each for each in best if not each.fact.dimensions] or best
    first = [each for each in best if each.document == best[0].document]
    named = [each for each in first if stems(each.fact.concept) - WEAK == terms - WEAK]
    rows = {(each.fact.page, each.fact.span) for each in named}
    if any((each.fact.page, each.fact.span) in rows for each in first if each not in named):
        named = []  # columns of one row: the question names the row alone
    for group in (first, best, named):
        exact = max(group, key=lambda each: _digits(each.fact.value), default=None)
        if exact and all(agree(exact.fact, each.fact) for each in group):
            return exact, []
    if repeated := _repeated(first):
        return repeated, []
    different: dict[tuple[Decimal, Period | None, str], Candidate] = {}
    for each in first:
        different.setdefault((each.fact.value, each.period, each.fact.unit), each)
    return None, list(different.values())


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
    exponent = other.value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    step = Decimal(1).scaleb(exponent)
    return exact.value == other.value or (
        _digits(other.value) >= 2 and abs(exact.value - other.value) <= step / 2
    )


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)
