"""Finds the pieces of a corpus that a question is about: filter first, then other names, then full text."""

from __future__ import annotations

import math
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from core.documents import facts as figures
from core.documents import store
from core.documents.model import Cover
from core.documents.periods import fiscal_year
from core.documents.questions import Asked, Filter, understand
from core.documents.wording import STOP, other_names, stem, stems, words

RANK_CONSTANT = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Büttcher, SIGIR 2009)."""
CANDIDATES = 400
_TABLE = re.compile(
    r"\bhow\s+(?:much|many)\b|\b(?:total|revenue|sales|income|expense|cost|assets|debt|cash|margin|per\s+share|rate)\b",
    re.I,
)


@dataclass(frozen=True)
class Found:
    """A piece that was found. `span` is its place in the page's text."""

    document: str
    page: int | None
    printed_page: str
    section: str
    kind: str
    score: float
    text: str
    span: tuple[int, int]
    number: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain values, as the command prints them."""
        shown = {**vars(self), "score": round(self.score, 5), "span": list(self.span)}
        return {name: value for name, value in shown.items() if name != "number"}


@dataclass(frozen=True)
class Corpus:
    """An open index, with the covers of its documents.

    `by_meaning`: ranks the pieces of some documents by a question's meaning, where vectors are kept.
    """

    connection: sqlite3.Connection
    covers: Mapping[int, tuple[str, Cover]]
    by_meaning: Callable[[Corpus, Asked, Sequence[int]], list[int]] | None = None

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> Corpus:
        """Read the covers of an index that `store.opened` gave."""
        return cls(connection, store.covers(connection))

    @property
    def note(self) -> dict[str, str]:
        """`note`: why the last question was not searched by meaning; nothing where it was, or need not be."""
        problem = getattr(self.by_meaning, "problem", "")
        return {"note": problem} if problem else {}

    def number(self, name: str) -> int | None:
        """The number of the document of that name; None if there is none."""
        return next((number for number, (known, _) in self.covers.items() if known == name), None)

    def understand(self, question: str, given: Mapping[str, Any] | None = None) -> Asked:
        """Read a question with the companies and forms of these documents."""
        asked = understand(question, [cover for _, cover in self.covers.values()], given)
        if not asked.filter.unknown or not asked.filter.companies:
            return asked
        unknown = tuple(name for name in asked.filter.unknown if not self._has_part(asked, name))
        return replace(asked, filter=replace(asked.filter, unknown=unknown))

    def _has_part(self, asked: Asked, name: str) -> bool:
        """Whether a part of the asked companies is called so, such as Sam's Club."""
        documents = self.documents(replace(asked, filter=Filter(companies=asked.filter.companies)))
        rows = self.connection.execute(
            "SELECT DISTINCT dimensions FROM fact WHERE dimensions != '[]' AND document IN"
            f" ({','.join('?' * len(documents))})",
            documents,
        )
        return any(stems(name) <= stems(row["dimensions"]) for row in rows)

    def documents(self, asked: Asked) -> list[int]:
        """The documents that the filter leaves, those about the asked years first, then those soon after.

        A report holds the figures of the two years before, too, and what there was at the beginning of these.
        """
        kept = [
            number
            for number, (_, cover) in self.covers.items()
            if (not asked.filter.companies or cover.company in asked.filter.companies)
            and (not asked.filter.forms or cover.form in asked.filter.forms)
        ]
        years = {period.year for period in asked.filter.periods}
        years |= {fiscal_year(day, self.covers[kept[0]][1]) for day in asked.filter.moments if kept}
        if not years:
            return kept
        after = {n: [(self.covers[n][1].fiscal_year or year) - year for year in years] for n in kept}
        reach = 3 if asked.filter.moments else 2
        near = [n for n in kept if any(0 <= gap <= reach for gap in after[n])]
        return sorted(near or kept, key=lambda n: 0 if 0 in after[n] else abs(min(after[n])))


def search(corpus: Corpus, asked: Asked, *, top: int = 5) -> list[Found]:
    """The `top` best pieces, best first; one a page before a second of any page."""
    documents = corpus.documents(asked)
    if not documents or asked.filter.unknown:
        return []
    ranked = [(_by_words(corpus, asked, documents), 1.0), (_by_figures(corpus, asked, documents), 1.4)]
    if corpus.by_meaning:
        ranked.append((corpus.by_meaning(corpus, asked, documents), 0.7))
    scores = fused(ranked)
    order = sorted(scores, key=lambda number: -scores[number])
    return _spread(_load(corpus, order[: max(50, top * 4)], scores), top)


def fused(ranked: Sequence[tuple[Sequence[int], float]]) -> dict[int, float]:
    """Scores by reciprocal rank: of each list, with its weight, the place that it gives an entry."""
    scores: dict[int, float] = {}
    for ranking, weight in ranked:
        for rank, number in enumerate(ranking):
            scores[number] = scores.get(number, 0.0) + weight / (RANK_CONSTANT + rank)
    return scores


def _spread(found: Sequence[Found], top: int) -> list[Found]:
    first: dict[tuple[str, int | None, int], Found] = {}
    later = []
    for piece in found:
        key = (piece.document, piece.page, 0 if piece.page else piece.number)
        if key in first:
            later.append(piece)
        else:
            first[key] = piece
    return [*first.values(), *later][:top]


def _by_words(corpus: Corpus, asked: Asked, documents: Sequence[int]) -> list[int]:
    """Chunks by BM25 on the question's words and their other names."""
    own = [word for word in words(asked.rest) if word.lower() not in STOP]
    others = [word for name in other_names(asked.rest) for word in words(name) if word.lower() not in STOP]
    years = [str(period.year) for period in asked.filter.periods]
    if not own and not others:
        return []
    if not store.searchable(corpus.connection):
        return _counted(corpus, [*own, *others], documents)
    scores: dict[int, float] = {}
    marks = ",".join("?" * len(documents))
    for terms, weight in ((own, 1.0), ([*own, *others], 0.7)):
        query = " OR ".join(
            f'"{term}"' for term in dict.fromkeys(term.replace('"', "") for term in [*terms, *years])
        )
        rows = corpus.connection.execute(
            "SELECT words.rowid AS number, chunk.kind AS kind, chunk.document AS document,"
            " bm25(words, 1.0, 0.8, 1.2) AS rank FROM words JOIN chunk ON chunk.id = words.rowid"
            f" WHERE words MATCH ? AND chunk.document IN ({marks}) ORDER BY rank LIMIT ?",
            (query, *documents, CANDIDATES),
        )
        for row in rows:
            boost = 1.15 if row["kind"] == "table" and _TABLE.search(asked.text) else 1.0
            boost *= 1.1 if row["document"] == documents[0] and (years or asked.filter.moments) else 1.0
            scores[row["number"]] = scores.get(row["number"], 0.0) - row["rank"] * weight * boost
    return sorted(scores, key=lambda number: -scores[number])[:CANDIDATES]


def _counted(corpus: Corpus, terms: Iterable[str], documents: Sequence[int]) -> list[int]:
    """BM25 over the same chunks in plain Python, for an SQLite without FTS5."""
    wanted = {stem(term) for term in terms}
    rows = corpus.connection.execute(
        f"SELECT id, text, context, section FROM chunk WHERE document IN ({','.join('?' * len(documents))})",
        documents,
    ).fetchall()
    counts = [
        Counter(stem(w) for w in words(f"{row['section']} {row['context']} {row['text']}")) for row in rows
    ]
    mean = sum(sum(count.values()) for count in counts) / max(1, len(counts))
    frequency = {term: sum(term in count for count in counts) for term in wanted}
    scores: dict[int, float] = {}
    for row, count in zip(rows, counts, strict=True):
        length = sum(count.values())
        score = sum(
            math.log(1 + (len(rows) - frequency[term] + 0.5) / (frequency[term] + 0.5))
            * count[term]
            * 2.2
            / (count[term] + 1.2 * (0.25 + 0.75 * length / mean))
            for term in wanted
            if count[term]
        )
        if score:
            scores[row["id"]] = score
    return sorted(scores, key=lambda number: -scores[number])[:CANDIDATES]


def _by_figures(corpus: Corpus, asked: Asked, documents: Sequence[int]) -> list[int]:
    """The chunks that hold the figures which the question names."""
    found: dict[int, None] = {}
    for candidate in figures.candidates(corpus.connection, corpus.covers, asked, documents, least=0.5)[:40]:
        place = candidate.fact.span[0]
        row = corpus.connection.execute(
            "SELECT id FROM chunk WHERE document = ? AND page IS ? AND start <= ? AND end >= ? LIMIT 1",
            (candidate.document, candidate.fact.page, place, place),
        ).fetchone()
        if row:
            found.setdefault(row["id"])
    return list(found)


def _load(corpus: Corpus, numbers: Sequence[int], scores: Mapping[int, float]) -> list[Found]:
    found = []
    for number in numbers:
        row = corpus.connection.execute("SELECT * FROM chunk WHERE id = ?", (number,)).fetchone()
        found.append(
            Found(
                document=corpus.covers[row["document"]][0],
                page=row["page"],
                printed_page=row["printed"],
                section=row["section"],
                kind=row["kind"],
                score=scores[number],
                text=f"{row['context']}\n{row['text']}" if row["context"] else row["text"],
                span=(row["start"], row["end"]),
                number=number,
            )
        )
    return found


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """The places of a text's sentences."""
    ends = [
        match.end() for match in re.finditer(r"(?<=[a-z)\]”\d][.!?])[”\"]?\s+(?=[A-Z“•▪(])|\n(?=[•▪])", text)
    ]
    bounds = [0, *ends, len(text)]
    return tuple((a, a + len(text[a:b].rstrip())) for a, b in pairwise(bounds) if text[a:b].strip())
