"""Compares the words of a question with the names of figures, and ranks how a figure is named. Pure."""

import re
from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache

from core.documents.model import Fact
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
OTHER = 0.95
"""The weight of another name for the same thing beside the printed one."""
LEAF = 0.96
"""The weight of a row's label where the heading above the row is not asked for."""
_SAID_TWICE = re.compile(r'\["[^"]*ConsolidationItemsAxis", "[^"]*OperatingSegmentsMember"\],? ?')
"""A member that says only that a segment is one of the operating segments."""
_OWNERS = re.compile(r"\battributable to (?!non-?controlling|(?:the )?minorit).*?(?=[—–,:-]|$)", re.I)
"""The shareholders as the owners of an income."""


class Rank(IntEnum):
    """The ways in which a question names a figure, best first. A part of the company comes PART later.

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


@lru_cache(maxsize=65536)
def members_of(dimensions: str) -> str:
    """The members that a figure is restricted to, without those that say nothing new."""
    rest = _SAID_TWICE.sub("", dimensions)
    return rest if "Member" in rest else dimensions


def _member(name: str) -> tuple[str, ...]:
    """The words of a member's name; a country's code is read as its name."""
    return sequence(COUNTRIES.get(name, name.removesuffix("Member")))


@lru_cache(maxsize=65536)
def in_full(dimensions: str, company: frozenset[str], text: str) -> bool:
    """Whether the question gives a member's whole name, the company's name in it included."""
    members = [_member(each) for each in re.findall(r', "([^"]+)"\]', dimensions)]
    return any(company & set(each) and f" {' '.join(each)} " in text for each in members)


@lru_cache(maxsize=65536)
def inside_words(
    dimensions: str, company: frozenset[str], terms: frozenset[str]
) -> tuple[frozenset[str], ...]:
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
    """The fit of a figure's name to a question's words: 0 if a word is missing, 1 if none is too many."""
    members = inside_words(dimensions, company, terms)
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


def rank_of(
    terms: frozenset[str],
    rest: tuple[str, ...],
    text: tuple[str, ...],
    fact: Fact,
    members: tuple[frozenset[str], ...],
    company: frozenset[str],
    *,
    primary: bool,
) -> int:
    """The Rank of a figure in a question.

    Args:
        rest: the question's words in order, those that are neither names nor times.
        text: all of them.
    """
    inside = frozenset().union(*members)
    rest = tuple(word for word in rest if word not in inside)
    wanted = terms - inside
    printed = _printed(fact.label, company, rest, text)
    whole = _same(wanted, _own_names(fact.label, company))
    concept = [word for word in sequence(fact.concept) if word not in IDLE]
    in_order = [word for word in rest if word not in WEAK] == concept
    called = in_order or _same(wanted, synonyms().get(fact.concept, ()))
    if printed:
        rank = Rank.PRINTED if primary else Rank.PRINTED_IN_NOTE
    elif whole or called:
        exact = Rank.NAMED if whole and called else Rank.WHOLE if whole else Rank.CALLED
        rank = exact if primary else Rank.NAMED_IN_NOTE
    else:
        rank = Rank.FITS if primary else Rank.FITS_IN_NOTE
    return rank + (PART if members else 0)


@lru_cache(maxsize=65536)
def _printed(label: str, company: frozenset[str], rest: tuple[str, ...], text: tuple[str, ...]) -> bool:
    """Whether the question holds the row's label word by word, alone or below its heading.

    The company's name may stand in the label, and then it must stand there in the question, too.
    """
    asked = f" {' '.join(text)} "
    return any(
        name
        and tuple(word for word in name if word not in company) == rest
        and f" {' '.join(name)} " in asked
        for name in map(sequence, _below(plain(label)))
    )


@lru_cache(maxsize=65536)
def _own_names(label: str, company: frozenset[str]) -> tuple[frozenset[str], ...]:
    """A row's label as words, without brackets such as (loss)."""
    found = {counted(each) for each in _below(_unbracketed(label))}
    return tuple(name for name in found | {name - company for name in found} if name - WEAK)


def _below(label: str) -> list[str]:
    """A row's label, and the same without the headings above it, one after the other."""
    parts = label.split(": ")
    return [": ".join(parts[place:]) for place in range(len(parts))]


def _same(wanted: frozenset[str], named: Iterable[frozenset[str]]) -> bool:
    """Whether the words are one of the names, but for words that do not count; a total is asked of totals."""
    return any(name - IDLE in (wanted - IDLE, wanted - WEAK) and wanted & {"total"} <= name for name in named)


def plain(label: str) -> str:
    """A row's label without the marks of its footnotes."""
    return re.sub(r"\((?:\d{1,2}|[a-z])\)|(?<=[a-z)])\d{1,2}\b", "", label)


def _unbracketed(label: str) -> str:
    return re.sub(r"\((?:loss(?:es)?|benefit|deficit)\)", "", plain(label))


@lru_cache(maxsize=65536)
def names(
    concept: str, label: str, company: frozenset[str] = frozenset()
) -> tuple[tuple[frozenset[str], float], ...]:
    """The names of a figure as stems, each with how much it counts: label, concept, other names."""
    whole = _unbracketed(label)
    leaf = whole.rpartition(": ")[2]
    own = [counted(whole), counted(concept), counted(plain(label))]
    own += [name - company for name in own[::2]]
    below = [counted(each) for text in (whole, plain(label)) for each in _below(text)[1:]]
    leaves = [*below, *(name - company for name in below)]
    others = [*synonyms().get(concept, ())]
    known = {stems(whole), stems(leaf), stems(_OWNERS.sub("", whole)), stems(_OWNERS.sub("", leaf))}
    for group in groups():
        if known & {*group}:
            others.extend(group)
    named = dict.fromkeys(others, OTHER) | dict.fromkeys(leaves, LEAF) | dict.fromkeys(own, 1.0)
    return tuple((name, weight) for name, weight in named.items() if name)
