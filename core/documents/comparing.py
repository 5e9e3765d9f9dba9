"""Compares figures: several companies or times, changes, shares of one in another, differences and sums."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from core.documents import facts as figures
from core.documents.answers import Answer, name, period, plainly, refusal, shown, time, title
from core.documents.facts import Candidate
from core.documents.periods import Period
from core.documents.questions import Asked
from core.documents.search import Corpus
from core.documents.wording import stem, stems

_CHANGE = re.compile(
    r"\b(change|changed|increase|increased|decrease|decreased|growth|grow|grew|decline|declined|differ|difference|"
    r"rise|rose|fall|fell|drop|dropped)\b",
    re.I,
)
_COMPARED = re.compile(
    r"\b(?:percent|percentage|points?|year[\s-](?:over|on)[\s-]year|yoy|compared|versus|vs|between|from|to|relative|"
    r"growth\s+rate|rate\s+of\s+(?:change|growth))\b|%",
    re.I,
)
_PERCENT = re.compile(r"\b(?:percent|percentage|growth|rate\s+of)\b|%", re.I)
_IN_PERCENT = r"(?:percentage|percent|share|fraction|proportion|part|%)"
_SHARES = (
    re.compile(rf"^(?P<part>.+?)\s+as\s+(?:an?\s+)?{_IN_PERCENT}\s+of\s+(?P<whole>.+)$", re.I),
    re.compile(
        rf"\b(?:what|which|how\s+much)\s+{_IN_PERCENT}\s+of\s+(?P<whole>.+?)\s+"
        r"(?:was|were|is|are|did|does|do|came\s+from|comes\s+from|went\s+(?:to|into))\s+(?P<part>.+)$",
        re.I,
    ),
)
_QUOTIENTS = (
    re.compile(r"\bratio\s+of\s+(?P<part>.+?)\s+to\s+(?P<whole>.+)$", re.I),
    re.compile(r"^(?P<part>.+?)\s+divided\s+by\s+(?P<whole>.+)$", re.I),
    re.compile(r"^(?P<part>.+?)[\s-]to[\s-](?P<whole>.+?)\s+ratio\b", re.I),
)
_SAID_OF_SHARES = re.compile(r"\b(?:represent|make\s+up|account\s+for|come\s+from|amount\s+to)\b", re.I)
_RATIOS = {
    "gross margin": ("gross profit", "revenue"),
    **dict.fromkeys(("operating margin", "operating profit margin"), ("operating income", "revenue")),
    **dict.fromkeys(
        ("net margin", "profit margin", "net profit margin", "net income margin"), ("net income", "revenue")
    ),
    "current ratio": ("current assets", "current liabilities"),
    "effective tax rate": ("income taxes", "income before income taxes"),
}
_DIFFERENCES = {
    "gross profit": ("revenue", "cost of sales"),
    "free cash flow": ("operating cash flow", "capital expenditures"),
    "working capital": ("total current assets", "total current liabilities"),
}
_LESS = (
    re.compile(r"\bdifference\s+between\s+(?P<one>.+?)\s+and\s+(?P<other>.+)$", re.I),
    re.compile(r"^(?P<one>.+?)\s+minus\s+(?P<other>.+)$", re.I),
)
_MORE = (
    re.compile(r"\bsum\s+of\s+(?P<one>.+?)\s+and\s+(?P<other>.+)$", re.I),
    re.compile(r"^(?P<one>.+?)\s+plus\s+(?P<other>.+)$", re.I),
)
_MOST = re.compile(
    r"\b(higher|larger|more|greater|highest|largest|most|bigger|lower|less|smaller|lowest|least|fewer)\b",
    re.I,
)


def parts(asked: Asked) -> list[Asked]:
    """A question about several companies or times, as one question each; words that compare are left out."""
    asked = replace(asked, terms=asked.terms - stems(" ".join(_MOST.findall(asked.rest))))
    companies = asked.filter.companies or ("",)
    times: Sequence[Period | date | None] = _times(asked) or (None,)
    return [
        replace(at, filter=replace(at.filter, companies=(company,) if company else ()))
        for company in companies
        for at in (_at(asked, each) for each in times)
    ]


def _times(asked: Asked) -> Sequence[Period | date]:
    return asked.filter.periods or asked.filter.moments


def _at(asked: Asked, time: Period | date | None) -> Asked:
    """The question about one time."""
    moments = (time,) if isinstance(time, date) else ()
    periods = (time,) if isinstance(time, Period) else ()
    return replace(asked, filter=replace(asked.filter, periods=periods, moments=moments))


def exact(corpus: Corpus, part: Asked) -> Candidate | None:
    """The one figure that a question names."""
    found = figures.candidates(corpus.connection, corpus.covers, part, corpus.documents(part))
    return figures.decided(found, part.terms)[0]


def _named(asked: Asked, words: str) -> Asked:
    """The same question about another name."""
    return replace(asked, text=words, terms=stems(words), rest=words)


def several(corpus: Corpus, asked: Asked, parts: Sequence[Asked]) -> Answer | None:
    """One figure of each part; refused if one is missing. None if all are."""
    each = [(part, exact(corpus, part)) for part in parts]
    found = [candidate for _, candidate in each if candidate]
    if not found:
        return None
    cited, figured = shown(corpus, *found)
    lines = [
        f"{title(corpus, candidate)}: {figure} ({time(candidate)})"
        for candidate, figure in zip(found, figured, strict=True)
    ]
    missing = [part for part, candidate in each if not candidate]
    if missing:
        names = "; ".join(" ".join([*part.filter.companies, *map(str, _times(part))]) for part in missing)
        return replace(refusal(f"found only a part: {'; '.join(lines)}. Not found: {names}"), citations=cited)
    text = "; ".join(lines) + "."
    if (most := _MOST.search(asked.text)) and len({c.fact.unit for c in found}) == 1:
        low = most[1].lower() in {"lower", "less", "smaller", "lowest", "least", "fewer"}
        top = (min if low else max)(found, key=lambda candidate: candidate.fact.value)
        text = f"{title(corpus, top)} ({time(top)}) is the {'lowest' if low else 'highest'}. {text}"
        return Answer(text, False, "", "fact", top.fact.value, top.fact.unit, period(top), cited)
    return Answer(text, False, "", "fact", None, found[0].fact.unit, ", ".join(map(period, found)), cited)


def changed(corpus: Corpus, asked: Asked) -> Answer | None:
    """The change of a figure between two times; one fiscal time means: against the year before."""
    if not _CHANGE.search(asked.rest):
        return None
    named = _named(asked, _CHANGE.sub(" ", _COMPARED.sub(" ", asked.rest)))
    times = list(_times(named))
    if len(times) == 1 and isinstance(times[0], Period):
        times = [replace(times[0], year=times[0].year - 1), times[0]]
    if len(times) != 2 or not named.terms:
        return None
    early, late = sorted(times)  # type: ignore[type-var]
    before, after = (exact(corpus, _at(named, at)) for at in (early, late))
    if before is None or after is None or before.fact.unit != after.fact.unit:
        return None
    cited, (early_shown, late_shown) = shown(corpus, before, after)
    difference = after.fact.value - before.fact.value
    if _PERCENT.search(asked.text) and before.fact.value and after.fact.unit not in {"%", "pure"}:
        percent = (difference / abs(before.fact.value) * 100).quantize(Decimal("0.01"))
        sums = f"({late_shown} - {early_shown}) / {early_shown} = {percent} %"
        value, unit, change = percent, "%", f"{percent} %"
    else:
        change = plainly(difference, after.fact)
        sums = f"{late_shown} - {early_shown} = {change}"
        value, unit = difference, after.fact.unit
    between = f"{period(before)} to {period(after)}"
    text = f"{title(corpus, after)} changed by {change} from {between}: {sums}."
    return Answer(text, False, "", "fact", value, unit, between, cited, sums)


def _two(corpus: Corpus, asked: Asked, names: Sequence[str]) -> tuple[Candidate, Candidate] | None:
    """Two figures of one time and unit. None if one of them is not found."""
    one, other = (exact(corpus, _named(asked, each)) for each in names)
    if one is None or other is None or one.fact.unit != other.fact.unit or one.period != other.period:
        return None
    return one, other


def _matched(patterns: Sequence[re.Pattern[str]], asked: Asked) -> re.Match[str] | None:
    return next((match for each in patterns if (match := each.search(asked.rest.strip(" ?")))), None)


def _known(asked: Asked, table: dict[str, tuple[str, str]]) -> tuple[str, tuple[str, str]] | None:
    """A name of the table that the question holds, and the two figures behind it.

    Words such as "of the Nordic segment" are asked of both.
    """
    lower = " ".join(asked.rest.lower().split())
    known = next((each for each in sorted(table, key=len, reverse=True) if each in lower), None)
    if known is None:
        return None
    left = [
        word
        for word in lower.replace(known, " ").split()
        if stem(word.strip("?.,%")) in asked.terms - stems("percent percentage ratio rate")
    ]
    one, other = table[known]
    return known, (" ".join([one, *left]), " ".join([other, *left]))


def ratio(corpus: Corpus, asked: Asked) -> Answer | None:
    """A figure as a share of another, where the question says so or names a known ratio."""
    share, quotient = _matched(_SHARES, asked), _matched(_QUOTIENTS, asked)
    if match := share or quotient:
        names, plain = (_SAID_OF_SHARES.sub(" ", match["part"]), match["whole"]), not share
    else:
        known = _known(asked, _RATIOS)
        if known is None or (known[0] == "gross margin" and not _PERCENT.search(asked.text)):
            return None
        direct = exact(corpus, asked)
        if direct and direct.fact.unit in {"%", "pure"}:
            return None
        names, plain = known[1], known[0] == "current ratio"
    found = _two(corpus, asked, names)
    if found is None or not found[1].fact.value:
        return None
    part, whole = found
    cited, figured = shown(corpus, part, whole)
    result = part.fact.value / whole.fact.value
    value = result.quantize(Decimal("0.0001")) if plain else (result * 100).quantize(Decimal("0.01"))
    sums = f"{' / '.join(figured)} = {value}{'' if plain else ' %'}"
    text = f"{title(corpus, part)} over {name(whole)} ({time(part)}): {sums}."
    return Answer(text, False, "", "fact", value, "" if plain else "%", period(part), cited, sums)


def total(corpus: Corpus, asked: Asked) -> Answer | None:
    """The difference or the sum of two figures of one time, where the question names both or a known one."""
    less, more = _matched(_LESS, asked), _matched(_MORE, asked)
    known = _known(asked, _DIFFERENCES)
    if match := less or more:
        names = (match["one"], match["other"])
    elif known:
        names = known[1]
    else:
        return None
    sign = "+" if more and not less else "-"
    found = _two(corpus, asked, names) if all(stems(each) for each in names) else None
    if found is None:
        return None
    one, other = found
    cited, figured = shown(corpus, one, other)
    value = one.fact.value - other.fact.value if sign == "-" else one.fact.value + other.fact.value
    sums = f"{f' {sign} '.join(figured)} = {plainly(value, one.fact)}"
    text = f"{title(corpus, one)} {'less' if sign == '-' else 'and'} {name(other)} ({time(one)}): {sums}."
    return Answer(text, False, "", "fact", value, one.fact.unit, period(one), cited, sums)
