"""Answers a question from documents: an exact figure, else a quoted sentence, else a model's words, checked.

Nothing turns "not found" into a figure. Text of documents is data: it is quoted, never followed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.documents import comparing, store
from core.documents import facts as figures
from core.documents.answers import Answer, Citation, period, refusal, shown, time, title
from core.documents.calculation import calculated
from core.documents.checking import figures as figures_in
from core.documents.checking import verified
from core.documents.facts import Candidate
from core.documents.naming import WEAK
from core.documents.periods import DAY_FIRST, MONTH_FIRST, dates
from core.documents.questions import Asked
from core.documents.search import Corpus, Found, search, sentences
from core.documents.wording import groups, stems

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

_NUMBERED = re.compile(
    r"\b(?:notes?|items?|parts?|topics?|asu|asc|form|sections?|rules?|levels?)\s+\d[\d-]*", re.I
)
_SPAN = re.compile(r"\b(three|six|nine)[\s-]months?\b|\b(quarter)\b", re.I)
_SPANS = {"three": 3, "quarter": 3, "six": 6, "nine": 9}


def answer(corpus: Corpus, asked: Asked, generate: Generate | None = None) -> Answer:
    """Answer a question, or refuse with what was searched.

    `generate`: words an answer from passages where no figure or sentence answers. Its figures are checked.
    """
    given = _answer(corpus, asked, generate)
    return replace(given, filter=asked.filter.as_json())


def _answer(corpus: Corpus, asked: Asked, generate: Generate | None) -> Answer:
    if missing := _uncovered(corpus, asked):
        return missing
    documents = corpus.documents(asked)
    exact = from_figures(corpus, asked, documents)
    if exact is not None and (not exact.refused or not generate):
        return exact
    passages = search(corpus, asked, top=PASSAGES)
    figure = _figure_asked(asked)
    quoted = None if figure and asked.statement else quote(corpus, asked, passages, figure=figure)
    if figure and not quoted and not generate:
        return refusal(f"no figure of that name and time was found {_searched(corpus, documents)}")
    if quoted or not generate:
        return quoted or refusal(f"nothing that answers this was found {_searched(corpus, documents)}")
    return _generated(corpus, asked, passages, generate)


def in_words(corpus: Corpus, asked: Asked, generate: Generate) -> Answer:
    """A model's own answer from the passages found. Figures that stand in none of them are struck.

    A figure that the documents do not give, or give several times, is refused before the model is asked.
    """
    given = _answer(corpus, asked, None)
    if not given.refused or not (_figure_asked(asked) or _uncovered(corpus, asked)):
        given = _generated(corpus, asked, search(corpus, asked, top=PASSAGES), generate)
    return replace(given, filter=asked.filter.as_json())


def _figure_asked(asked: Asked) -> bool:
    timed = bool(asked.filter.periods or asked.filter.moments)
    return (timed or bool(_FIGURE_ASKED.search(asked.text))) and not _WORDS_ASKED.search(asked.text)


def _uncovered(corpus: Corpus, asked: Asked) -> Answer | None:
    """The refusal of a question that no document is about."""
    if not corpus.covers:
        return refusal("the index holds no documents: finexpert docs add PATH")
    if asked.filter.unknown:
        return refusal(
            f"no document is about {', '.join(asked.filter.unknown)}; the index holds {_held(corpus)}"
        )
    if not corpus.documents(asked):
        return refusal(f"no document fits the company and form asked for; the index holds {_held(corpus)}")
    return None


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
    if ratio := comparing.ratio(corpus, asked):
        return ratio
    parts = comparing.parts(asked)
    if len(parts) > 1:
        return comparing.changed(corpus, asked) or comparing.several(corpus, asked, parts)
    found = _one(corpus, asked, documents)
    if found is None or found.refused:
        return comparing.total(corpus, asked) or comparing.changed(corpus, asked) or found
    return found


def _one(corpus: Corpus, asked: Asked, documents: Sequence[int]) -> Answer | None:
    found = figures.candidates(corpus.connection, corpus.covers, asked, documents)
    chosen, different = figures.decided(found, asked.terms)
    wanted = asked.filter.periods or asked.filter.moments
    if chosen and not wanted and len({_period(each) for each in found if each.score >= chosen.score}) > 1:
        return _ambiguous(corpus, [each for each in found if each.score >= chosen.score])
    if chosen:
        cited, (figure,) = shown(corpus, chosen)
        text = f"{title(corpus, chosen)}: {figure} ({time(chosen)})."
        return Answer(text, False, "", "fact", chosen.fact.value, chosen.fact.unit, period(chosen), cited)
    if different:
        return _ambiguous(corpus, different)
    if wanted:
        timeless = replace(asked, filter=replace(asked.filter, periods=(), moments=(), months=None))
        if others := figures.candidates(corpus.connection, corpus.covers, timeless, documents):
            given = sorted({_period(each) for each in others})
            end = "the end of " if asked.filter.months == 0 and not asked.filter.moments else ""
            return refusal(
                f"the documents give this figure for {', '.join(given[:8])}, "
                f"not for {end}{', '.join(map(str, wanted))}"
            )
    return None


def _period(candidate: Candidate) -> str:
    """The time of a figure, where a moment is not the year that it ends."""
    return f"{'' if candidate.fact.start else 'the end of '}{period(candidate)}"


def _ambiguous(corpus: Corpus, different: Sequence[Candidate]) -> Answer:
    times = sorted({period(each) for each in different})
    if len(times) > 1:
        return refusal(f"which time is meant? The documents give this figure for {', '.join(times[:8])}")
    companies = sorted({corpus.covers[each.document][1].company for each in different})
    if len(companies) > 1:
        return refusal(f"which company is meant? {', '.join(companies)}")
    listed = sorted({_choice(each) for each in different})
    return refusal(
        f"several figures have this name: {'; '.join(listed[:5])}. Name the line, statement or segment"
    )


def _choice(candidate: Candidate) -> str:
    """A figure among others of its name: its row, its place, its time and value."""
    fact = candidate.fact
    where = ", ".join(
        part for part in (candidate.statement, f"page {fact.page}" if fact.page else "") if part
    )
    members = ", ".join(member.removesuffix("Member") for _, member in fact.dimensions)
    row = " for ".join(part for part in (fact.label or fact.concept, members) if part)
    return f"{row} ({where}), {time(candidate).partition(',')[0]}: {fact.value:,f} {fact.unit}".rstrip()


# --- sentences


def quote(corpus: Corpus, asked: Asked, passages: Sequence[Found], *, figure: bool) -> Answer | None:
    """The sentence that holds most of the question's words; None if none holds enough of them.

    `figure`: the question asks for one, so the sentence must hold one, and all words, and the time.
    """
    best: tuple[float, Found, tuple[int, int]] | None = None
    wanted = asked.terms
    if len(wanted - WEAK) < 2:
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
            if figure and (not wanted <= own or not _holds_figure(asked, body[start:end])):
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


def _holds_figure(asked: Asked, sentence: str) -> bool:
    """Whether a sentence is of the time asked for and holds a figure besides dates and numbers of notes."""
    if len(sentence) >= 400 or not _of_time(asked, sentence):
        return False
    plain = sentence
    for pattern in (MONTH_FIRST, DAY_FIRST, _NUMBERED):
        plain = pattern.sub(" ", plain)
    return any(not 1900 <= value <= 2100 for value, _ in figures_in(plain))


def _of_time(asked: Asked, sentence: str) -> bool:
    """Whether a sentence names the year or the day that the question names, and no shorter or longer time."""
    wanted = asked.filter
    if wanted.moments and not {day for day, _ in dates(sentence)} & set(wanted.moments):
        return False
    if wanted.periods and not any(str(period.year) in sentence for period in wanted.periods):
        return False
    spans = {_SPANS[(match[1] or match[2]).lower()] for match in _SPAN.finditer(sentence)}
    asked_spans = {3 if each.quarter else each.months or 12 for each in wanted.periods} | {
        wanted.months or 12
    }
    return not spans or bool(spans & asked_spans)


def _named(own: frozenset[str]) -> frozenset[str]:
    """The words of a sentence with the other names for them."""
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
    verbs = ("stands", "is") if struck == 1 else ("stand", "are")
    flag = f"{struck} of its figures {verbs[0]} in no cited passage and {verbs[1]} struck" if struck else ""
    return Answer(checked, False, flag, "generate", None, "", "", kept, sums)


def _supports(text: str, words: str) -> bool:
    known = {value for value, _ in figures_in(text)}
    return any(value in known for value, _ in figures_in(words)) or len(stems(words) & stems(text)) >= 4
