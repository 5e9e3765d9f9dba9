"""Answers a question from documents: an exact figure, else a quoted sentence, else a model's words, checked.

Nothing turns "not found" into a figure. Text of documents is data: it is quoted, never followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from core.documents import facts as figures
from core.documents import store
from core.documents.calculation import calculated
from core.documents.checking import figures as figures_in
from core.documents.checking import verified
from core.documents.facts import Candidate
from core.documents.model import Fact
from core.documents.periods import Period
from core.documents.questions import Asked
from core.documents.search import Corpus, Found, search, sentences
from core.documents.wording import groups, stems

KNOWN = frozenset(name for group in groups() for name in group)
Generate = Callable[[str, Sequence[Found]], str]
PASSAGES = 6
COVERED = 0.8
"""A quoted sentence, with the heading above it, must hold this share of the question's words."""
_FIGURE_ASKED = re.compile(
    r"\bhow\s+(?:much|many)\b|\bnumber\s+of\b|\b(?:revenues?|sales|income|profit|loss|earnings|expenses?|costs?|assets|"
    r"liabilities|equity|cash|debt|margin|rate|per\s+share|eps|capex|expenditures?|dividends?|shares|inventor(?:y|ies)|"
    r"receivables?|payables?|goodwill|amortization|depreciation|tax(?:es)?|ratio|percentage|value|balance|proceeds|"
    r"compensation|growth|volume|memberships|employees|headcount|total)\b",
    re.I,
)
_WORDS_ASKED = re.compile(
    r"\b(?:polic(?:y|ies)|risks?|strateg(?:y|ies)|approach|methods?|recogni[sz]\w*|describe|explain|why|reasons?|factors?|who|where|how\s+(?:do|does|did|is|are))\b",
    re.I,
)
_CHANGE = re.compile(
    r"\b(change|changed|increase|increased|decrease|decreased|growth|grow|grew|decline|declined|differ|difference)\b",
    re.I,
)
_PERCENT = re.compile(r"\b(percent|percentage|%|rate|growth)\b|%", re.I)
_RATIOS = {
    "gross margin": ("gross profit", "revenue"),
    "operating margin": ("operating income", "revenue"),
    "net margin": ("net income", "revenue"),
    "profit margin": ("net income", "revenue"),
    "net profit margin": ("net income", "revenue"),
    "current ratio": ("current assets", "current liabilities"),
}
_SHARE_OF = re.compile(
    r"^(?P<part>.+?)\s+as\s+a\s+(?:percentage|percent|share|fraction|%)\s+of\s+(?P<whole>.+)$", re.I
)
_MOST = re.compile(
    r"\b(higher|larger|more|greater|highest|largest|most|bigger|lower|less|smaller|lowest|least|fewer)\b",
    re.I,
)


@dataclass(frozen=True)
class Citation:
    """Where an answer stands: the quoted text and its place on the page."""

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


def answer(corpus: Corpus, asked: Asked, generate: Generate | None = None) -> Answer:
    """Answer a question, or refuse with what was searched.

    `generate`: words an answer from passages where no figure or sentence answers. Its figures are checked.
    """
    given = _answer(corpus, asked, generate)
    return replace(given, filter=asked.filter.as_json())


def _answer(corpus: Corpus, asked: Asked, generate: Generate | None) -> Answer:
    if not corpus.covers:
        return refusal("the index holds no documents: finexpert docs add PATH")
    if asked.filter.unknown:
        return refusal(
            f"no document is about {', '.join(asked.filter.unknown)}; the index holds {_held(corpus)}"
        )
    documents = corpus.documents(asked)
    if not documents:
        return refusal(f"no document fits the company and form asked for; the index holds {_held(corpus)}")
    exact = from_figures(corpus, asked, documents)
    if exact is not None and (not exact.refused or not generate):
        return exact
    passages = search(corpus, asked, top=PASSAGES)
    figure = bool(_FIGURE_ASKED.search(asked.text)) and not _WORDS_ASKED.search(asked.text)
    quoted = quote(corpus, asked, passages, figure=figure)
    if figure and not quoted and not generate:
        return refusal(f"no figure of that name and time was found {_searched(corpus, documents)}")
    if quoted or not generate:
        return quoted or refusal(f"nothing that answers this was found {_searched(corpus, documents)}")
    return _generated(corpus, asked, passages, generate)


def refusal(reason: str) -> Answer:
    """A refusal: an answer without a value that says why."""
    return Answer(answer="", refused=True, reason=reason[:1].upper() + reason[1:])


def _held(corpus: Corpus) -> str:
    named = sorted({cover.company for _, cover in corpus.covers.values() if cover.company})
    return (
        ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
        or "no company's documents"
    )


def _searched(corpus: Corpus, documents: Sequence[int]) -> str:
    named = [corpus.covers[number][0] for number in documents]
    return "in " + ", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")


# --- figures


def from_figures(corpus: Corpus, asked: Asked, documents: Sequence[int]) -> Answer | None:
    """An exact figure, several of them, or a calculation. None: no figure's name is asked for."""
    ratio = _ratio(corpus, asked)
    if ratio:
        return ratio
    parts = _parts(corpus, asked)
    several = len(parts) > 1
    found = None if several else _one(corpus, asked, documents)
    if (found is None or found.refused) and _CHANGE.search(asked.rest):
        found = _change(corpus, asked) or found
    return found or (_several(corpus, asked, parts) if several else None)


def _one(corpus: Corpus, asked: Asked, documents: Sequence[int]) -> Answer | None:
    found = figures.candidates(corpus.connection, corpus.covers, asked, documents)
    chosen, different = figures.decided(found, asked.terms)
    if chosen:
        cited = citation(corpus, chosen)
        text = f"{_title(corpus, chosen)}: {printed(chosen.fact, cited.text)} ({_time(chosen)})."
        return Answer(text, False, "", "fact", chosen.fact.value, chosen.fact.unit, _period(chosen), (cited,))
    if different:
        return _ambiguous(corpus, different)
    if asked.filter.periods or asked.filter.moments:
        timeless = replace(asked, filter=replace(asked.filter, periods=(), moments=()))
        others = figures.candidates(corpus.connection, corpus.covers, timeless, documents)
        if others:
            times = sorted({_period(each) for each in others})
            wanted = ", ".join(map(str, asked.filter.periods)) or ", ".join(map(str, asked.filter.moments))
            return refusal(f"the documents give this figure for {', '.join(times[:8])}, not for {wanted}")
    return None


def _ambiguous(corpus: Corpus, different: Sequence[Candidate]) -> Answer:
    times = sorted({_period(each) for each in different})
    if len(times) > 1:
        return refusal(f"which time is meant? The documents give this figure for {', '.join(times[:8])}")
    companies = sorted({corpus.covers[each.document][1].company for each in different})
    if len(companies) > 1:
        return refusal(f"which company is meant? {', '.join(companies)}")
    listed = sorted(
        {
            f"{each.fact.label or each.fact.concept} (page {each.fact.page}): {each.fact.value:,f}"
            for each in different
        }
    )
    return refusal(f"several figures have this name: {'; '.join(listed[:5])}. Name the line or the segment")


def _parts(corpus: Corpus, asked: Asked) -> list[Asked]:
    """A question about several companies or times, as one question each; words that compare are left out."""
    asked = replace(asked, terms=asked.terms - stems(" ".join(_MOST.findall(asked.rest))))
    companies = asked.filter.companies or ("",)
    times: tuple[Period | None, ...] = asked.filter.periods or (None,)
    return [
        replace(
            asked,
            filter=replace(
                asked.filter,
                companies=(company,) if company else (),
                periods=(time,) if time else (),
            ),
        )
        for company in companies
        for time in times
    ]


def _exact(corpus: Corpus, part: Asked) -> Candidate | None:
    """The one figure that a question names."""
    found = figures.candidates(corpus.connection, corpus.covers, part, corpus.documents(part))
    return figures.decided(found, part.terms)[0]


def _several(corpus: Corpus, asked: Asked, parts: Sequence[Asked]) -> Answer | None:
    each = [(part, _exact(corpus, part)) for part in parts]
    found = [candidate for _, candidate in each if candidate]
    if not found:
        return None
    cited = tuple(citation(corpus, candidate) for candidate in found)
    lines = [
        f"{_title(corpus, candidate)}: {printed(candidate.fact, place.text)} ({_time(candidate)})"
        for candidate, place in zip(found, cited, strict=True)
    ]
    missing = [part for part, candidate in each if not candidate]
    if missing:
        names = "; ".join(
            " ".join([*part.filter.companies, *map(str, part.filter.periods)]) for part in missing
        )
        return replace(refusal(f"found only a part: {'; '.join(lines)}. Not found: {names}"), citations=cited)
    text = "; ".join(lines) + "."
    if (most := _MOST.search(asked.text)) and len({c.fact.unit for c in found}) == 1:
        low = most[1].lower() in {"lower", "less", "smaller", "lowest", "least", "fewer"}
        top = (min if low else max)(found, key=lambda candidate: candidate.fact.value)
        text = f"{_title(corpus, top)} ({_time(top)}) is the {'lowest' if low else 'highest'}. {text}"
        return Answer(text, False, "", "fact", top.fact.value, top.fact.unit, _period(top), cited)
    return Answer(text, False, "", "fact", None, found[0].fact.unit, ", ".join(map(_period, found)), cited)


def _change(corpus: Corpus, asked: Asked) -> Answer | None:
    """The change of a figure between two times; one time means: against the year before."""
    plain = _CHANGE.sub(
        " ",
        re.sub(
            r"\b(?:percent|percentage|%|year[\s-]over[\s-]year|yoy|rate|compared|versus|vs|between|from|to)\b",
            " ",
            asked.rest,
            flags=re.I,
        ),
    )
    named = replace(asked, terms=stems(plain), rest=plain)
    times = list(named.filter.periods)
    if len(times) == 1:
        times = [replace(times[0], year=times[0].year - 1), times[0]]
    if len(times) != 2 or not named.terms:
        return None
    early, late = sorted(times)
    parts = [replace(named, filter=replace(named.filter, periods=(time,))) for time in (early, late)]
    before, after = (_exact(corpus, part) for part in parts)
    if before is None or after is None or before.fact.unit != after.fact.unit:
        return None
    cited = (citation(corpus, before), citation(corpus, after))
    shown = [printed(before.fact, cited[0].text), printed(after.fact, cited[1].text)]
    difference = after.fact.value - before.fact.value
    if _PERCENT.search(asked.text) and before.fact.value and after.fact.unit != "%":
        percent = (difference / abs(before.fact.value) * 100).quantize(Decimal("0.01"))
        sums = f"({shown[1]} - {shown[0]}) / {shown[0]} = {percent} %"
        value, unit, told = percent, "%", f"{percent} %"
    else:
        sums = f"{shown[1]} - {shown[0]} = {plainly(difference, after.fact)}"
        value, unit, told = difference, after.fact.unit, plainly(difference, after.fact)
    text = f"{_title(corpus, after)} changed by {told} from {_period(before)} to {_period(after)}: {sums}."
    return Answer(text, False, "", "fact", value, unit, f"{_period(before)} to {_period(after)}", cited, sums)


def _ratio(corpus: Corpus, asked: Asked) -> Answer | None:
    """A figure as a share of another, where the question says so or names a known ratio in per cent."""
    match = _SHARE_OF.match(asked.rest.strip(" ?"))
    if match:
        names = (match["part"], match["whole"])
    else:
        lower = " ".join(asked.rest.lower().split())
        known = next((name for name in sorted(_RATIOS, key=len, reverse=True) if name in lower), None)
        direct = known in {"gross margin"} and not _PERCENT.search(asked.text)
        if known is None or direct:
            return None
        names = _RATIOS[known]
    parts = [replace(asked, terms=stems(name), rest=name) for name in names]
    part, whole = (_exact(corpus, part) for part in parts)
    if (
        part is None
        or whole is None
        or not whole.fact.value
        or part.fact.unit != whole.fact.unit
        or part.period != whole.period
    ):
        return None
    cited = (citation(corpus, part), citation(corpus, whole))
    share = (part.fact.value / whole.fact.value * 100).quantize(Decimal("0.01"))
    plain_ratio = "ratio" in asked.rest.lower() and not match
    value = (part.fact.value / whole.fact.value).quantize(Decimal("0.01")) if plain_ratio else share
    sign = "" if plain_ratio else " %"
    sums = f"{printed(part.fact, cited[0].text)} / {printed(whole.fact, cited[1].text)} = {value}{sign}"
    text = f"{_title(corpus, part)} over {_name(whole)} ({_time(part)}): {sums}."
    return Answer(text, False, "", "fact", value, "" if plain_ratio else "%", _period(part), cited, sums)


def _name(candidate: Candidate) -> str:
    """What a figure is called: its row, with the heading above it where the row alone says too little."""
    label = re.sub(r"\s*\(\d+\)", "", candidate.fact.label).strip(" :")
    leaf = label.rpartition(": ")[2]
    if label:
        return leaf if len(stems(leaf) - figures.WEAK) > 1 or stems(leaf) in KNOWN else label
    return " ".join(re.findall(r"[A-Z][a-z]*|[a-z]+|\d+", candidate.fact.concept)).capitalize()


def _title(corpus: Corpus, candidate: Candidate) -> str:
    company = corpus.covers[candidate.document][1].company
    return f"{company}, {_name(candidate)}" if company else _name(candidate)


def _time(candidate: Candidate) -> str:
    fact = candidate.fact
    if fact.start is None:
        return f"as of {fact.end.isoformat()}"
    return f"{_period(candidate)}, {fact.start.isoformat()} to {fact.end.isoformat()}"


def _period(candidate: Candidate) -> str:
    return str(candidate.period) if candidate.period else f"the time to {candidate.fact.end.isoformat()}"


def citation(corpus: Corpus, candidate: Candidate) -> Citation:
    """The row or sentence that a figure stands in."""
    fact = candidate.fact
    text = store.page_text(corpus.connection, candidate.document, fact.page)[slice(*fact.span)]
    return Citation(candidate.name, fact.page, fact.section, text, fact.span)


def printed(fact: Fact, cited: str) -> str:
    """A figure as it is printed where it is cited, with its scale in words."""
    known = {value for value, _ in figures_in(cited)}
    for shift, word in ((0, ""), (3, " thousand"), (6, " million"), (9, " billion")):
        shown = abs(fact.value).scaleb(-shift)
        if fact.unit == "pure" and "%" in cited and shown * 100 in known:
            return f"{'-' if fact.value < 0 else ''}{(shown * 100).normalize():f} %"
        if any(shown == value for value in known) or (
            shift and any(shown.scaleb(shift) == value for value in known)
        ):
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


# --- sentences


def quote(corpus: Corpus, asked: Asked, passages: Sequence[Found], *, figure: bool) -> Answer | None:
    """The sentence that holds most of the question's words; None if none holds enough of them.

    `figure`: the question asks for one, so the sentence must hold one, and all words, and the time.
    """
    best: tuple[float, Found, tuple[int, int]] | None = None
    wanted = asked.terms
    if len(wanted - figures.WEAK) < 2:
        return None
    for rank, passage in enumerate(passages):
        if passage.kind != "text":
            continue
        page = _page(corpus, passage)
        body = page[slice(*passage.span)]
        heading = stems(passage.section)
        for start, end in sentences(body):
            own = _named(stems(body[start:end]))
            score = len(wanted & (own | heading)) / len(wanted)
            if len(wanted & own) * 2 < len(wanted):
                continue
            if figure and (not wanted <= own or not _tells_figure(asked, body[start:end])):
                continue
            score += 0.001 * len(wanted & own) - 0.0005 * rank
            if score >= COVERED and (best is None or score > best[0]):
                best = (score, passage, (passage.span[0] + start, passage.span[0] + end))
    if best is None or not _in_time(asked, best[1], corpus):
        return None
    _, passage, span = best
    text = _page(corpus, passage)[slice(*span)]
    cited = Citation(passage.document, passage.page, passage.section, text, span)
    return Answer(" ".join(text.split()), False, "", "extract", None, "", "", (cited,))


def _page(corpus: Corpus, passage: Found) -> str:
    """The text of the page that a passage stands on."""
    number = corpus.number(passage.document)
    return "" if number is None else store.page_text(corpus.connection, number, passage.page)


def _tells_figure(asked: Asked, sentence: str) -> bool:
    """Whether a sentence holds a figure besides years, and names the year if the question does."""
    years = {str(period.year) for period in asked.filter.periods} | {
        str(day.year) for day in asked.filter.moments
    }
    told = [value for value, _ in figures_in(sentence) if not 1900 <= value <= 2100]
    return bool(told) and len(sentence) < 400 and (not years or any(year in sentence for year in years))


def _named(own: frozenset[str]) -> frozenset[str]:
    """The words of a sentence with the other names of what it names."""
    found = set(own)
    for group in groups():
        if any(name and name <= own for name in group):
            found.update(*group)
    return frozenset(found)


def _in_time(asked: Asked, passage: Found, corpus: Corpus) -> bool:
    """Whether the passage, or its document, is of the years that were asked for."""
    years = {str(period.year) for period in asked.filter.periods} | {
        str(day.year) for day in asked.filter.moments
    }
    if not years:
        return True
    cover = next(cover for name, cover in corpus.covers.values() if name == passage.document)
    return str(cover.fiscal_year) in years or any(year in passage.text for year in years)


# --- a model's words


def _generated(corpus: Corpus, asked: Asked, passages: Sequence[Found], generate: Generate) -> Answer:
    if not passages:
        return refusal(f"nothing about this was found {_searched(corpus, corpus.documents(asked))}")
    words = generate(asked.text, passages).strip()
    cited = tuple(Citation(p.document, p.page, p.section, p.text, p.span) for p in passages)
    if not words or re.search(r"\bnot (?:in|found|stated|given|mentioned)\b", words, re.I):
        return refusal(
            f"the model found no answer in the passages {_searched(corpus, corpus.documents(asked))}"
        )
    words, computed, sums = calculated(words)
    checked, struck = verified(words, [each.text for each in cited], computed=computed, question=asked.text)
    kept = tuple(each for each in cited if _supports(each.text, words)) or cited[:1]
    reason = f"{struck} of its figures stand in no cited passage and are struck" if struck else ""
    return Answer(checked, False, reason, "generate", None, "", "", kept, sums)


def _supports(text: str, words: str) -> bool:
    known = {value for value, _ in figures_in(text)}
    return any(value in known for value, _ in figures_in(words)) or len(stems(words) & stems(text)) >= 4
