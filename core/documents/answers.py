"""Answers with their citations, and figures as they are written."""

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from core.documents import store
from core.documents.checking import figures as figures_in
from core.documents.facts import Candidate
from core.documents.model import Fact
from core.documents.naming import WEAK
from core.documents.search import Corpus
from core.documents.wording import groups, stems

KNOWN = frozenset(name for group in groups() for name in group)


@dataclass(frozen=True)
class Citation:
    """The quoted text of an answer and its place on the page."""

    document: str
    page: int | None
    section: str
    text: str
    span: tuple[int, int]

    def as_json(self) -> dict[str, Any]:
        """Plain values, as the command prints them."""
        return {**vars(self), "span": list(self.span)}


@dataclass(frozen=True)
class Answer:
    """An answer to a question. A refused one has a reason and no value.

    Args:
        method: fact, extract or generate; calculations from facts are facts.
        value: in whole units, such as dollars; percentages as they are read.
    """

    answer: str
    refused: bool = False
    reason: str = ""
    method: str = ""
    value: Decimal | None = None
    unit: str = ""
    period: str = ""
    citations: tuple[Citation, ...] = ()
    calculation: str = ""
    filter: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, as the command prints them."""
        value: int | float | None = None
        if self.value is not None:
            value = int(self.value) if self.value == self.value.to_integral_value() else float(self.value)
        return {**vars(self), "value": value, "citations": [each.as_json() for each in self.citations]}


def refusal(reason: str) -> Answer:
    """A refusal: an answer without a value that says why."""
    return Answer(answer="", refused=True, reason=reason[:1].upper() + reason[1:])


def name(candidate: Candidate) -> str:
    """The name of a figure: its row, with the heading above it where the row alone says too little."""
    label = re.sub(r"\s*\(\d+\)", "", candidate.fact.label).strip(" :")
    leaf = label.rpartition(": ")[2]
    if label:
        return leaf if len(stems(leaf) - WEAK) > 1 or stems(leaf) in KNOWN else label
    return " ".join(re.findall(r"[A-Z][a-z]*|[a-z]+|\d+", candidate.fact.concept)).capitalize()


def title(corpus: Corpus, candidate: Candidate) -> str:
    company = corpus.covers[candidate.document][1].company
    return f"{company}, {name(candidate)}" if company else name(candidate)


def time(candidate: Candidate) -> str:
    fact = candidate.fact
    if fact.start is None:
        return f"as of {fact.end.isoformat()}"
    return f"{period(candidate)}, {fact.start.isoformat()} to {fact.end.isoformat()}"


def period(candidate: Candidate) -> str:
    return str(candidate.period) if candidate.period else f"the time to {candidate.fact.end.isoformat()}"


def shown(corpus: Corpus, *found: Candidate) -> tuple[tuple[Citation, ...], list[str]]:
    """The rows or sentences that figures stand in, and each figure as it is printed there."""
    cited = []
    for candidate in found:
        fact = candidate.fact
        text = store.page_text(corpus.connection, candidate.document, fact.page)[slice(*fact.span)]
        cited.append(Citation(candidate.name, fact.page, fact.section, text, fact.span))
    return tuple(cited), [_printed(each.fact, place.text) for each, place in zip(found, cited, strict=True)]


def _printed(fact: Fact, cited: str) -> str:
    """A figure as it is printed where it is cited, with its scale in words."""
    known = {value for value, _ in figures_in(cited)}
    for shift, word in ((0, ""), (3, " thousand"), (6, " million"), (9, " billion")):
        shown = abs(fact.value).scaleb(-shift)
        if fact.unit == "pure" and "%" in cited and shown * 100 in known:
            return f"{'-' if fact.value < 0 else ''}{(shown * 100).normalize():f} %"
        if shown in known or (shift and abs(fact.value) in known):
            return _with_unit(fact, shown, word)
    return plainly(fact.value, fact)


def plainly(value: Decimal, fact: Fact) -> str:
    """A figure in the unit of a fact, in millions from a million on."""
    if abs(value) >= 10**6 and "/" not in fact.unit:
        return _with_unit(replace(fact, value=value), abs(value).scaleb(-6), " million")
    return _with_unit(replace(fact, value=value), abs(value), "")


def _with_unit(fact: Fact, shown: Decimal, word: str) -> str:
    sign = "-" if fact.value < 0 else ""
    number = f"{shown.normalize():,f}" if shown == shown.to_integral_value() else f"{shown:,f}"
    if fact.unit in {"%", "pure"}:
        return f"{sign}{number}{' %' if fact.unit == '%' else ''}"
    if fact.unit.startswith("USD"):
        return f"{sign}${number}{word}" + (" per share" if "share" in fact.unit.removeprefix("USD") else "")
    return f"{sign}{number}{word} {fact.unit}".rstrip()
