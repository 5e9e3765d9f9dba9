"""Reads a question: the companies, times and forms that it asks for, and the remaining words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from core.documents.model import Cover
from core.documents.periods import DAY_FIRST, MONTH_FIRST, Period, dates
from core.documents.statements import named
from core.documents.wording import STOP, stems, words

_SUFFIXES = frozenset(
    (
        *("inc", "incorporated", "corp", "corporation", "co", "company", "ltd", "limited", "plc", "llc"),
        *("lp", "nv", "sa", "se", "ag", "the", "holdings", "holding", "group", "class"),
    )
)
_CAPITAL = "[A-ZÀ-ÖØ-Þ]"
_OWNERS = STOP.union(
    words(
        "company group firm business corporation parent subsidiary segment division bank issuer registrant "
        "filer management board auditor director chairman ceo cfo shareholder stockholder owner employee "
        "customer supplier lender borrower lessor lessee employer year quarter month period today world "
        "market plan product store asset here let"
    )
)
"""Words that own something in a question and name no company: "the company's revenue"."""
_COMMON = frozenset(("international", "american", "general", "national", "united", "first", "bank"))
"""First words of companies' names that are no name alone."""
_SUFFIX_AFTER = r"(?:,?\s+(?:Inc|Corp|Corporation|Company|Co)\b\.?)?"
_YEAR = re.compile(
    r"\b(?:fy|fiscal(?:\s+year)?\s*)?['’]?((?:19|20)\d\d)\b"
    r"|(?:\bfy\s?['’]?|\bfiscal\s+(?:year\s+)?['’]|(?<=\bq[1-4])\s?(?:fy\s?)?['’]?|(?<=\b[1-4]q)\s?['’]?)(\d\d)\b",
    re.I,
)
_QUARTERS = (
    re.compile(r"\bq([1-4])(?=\b|fy|\d)|\b([1-4])q(?=\b|\d)", re.I),
    re.compile(r"\b(first|second|third|fourth|1st|2nd|3rd|4th)[\s-]+(?:fiscal\s+)?quarter\b", re.I),
)
_ORDINAL = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_MONTHS = re.compile(
    r"\b(?:first\s+)?(six|nine|6|9)[\s-]months?\b|\bfirst[\s-]half\b|(?<!second )\bhalf[\s-]year\b"
    r"|\b(?:h1|1h)(?=\b|fy|\d)",
    re.I,
)
_SO_FAR = re.compile(r"\b(?:year[\s-]to[\s-]date|ytd)\b", re.I)
_AT_THE_END = re.compile(
    r"\b(?:at|as\s+of|by|on)\s+(?:the\s+)?(?:(?:very\s+)?(?:end|close)\b|(?:fiscal\s+)?year[\s-]*end\b|period[\s-]*end\b)"
    r"|\b(?:fiscal\s+)?year[\s-]end\b(?!ed)|\bend\s+of\b|\bas\s+of\b|\bon\s+hand\b|\bdid\s+(?:\w+\s+){0,3}(?:hold|owe)\b",
    re.I,
)
"""The question asks for a figure at a moment, not for that of a time."""
_FORMS = re.compile(r"\b(10-?K|10-?Q|8-?K|20-?F|earnings\s+release|press\s+release)\b", re.I)
_LATEST = re.compile(
    r"\b(?:last|latest|most\s+recent|current|this|past)\s+(?:fiscal\s+)?(?:year|quarter)\b|\bmost\s+recently\b",
    re.I,
)
_LENGTH = re.compile(
    r"\b(three|six|nine|twelve)[\s-]months?(?:\s+period)?\s+(?:ended|ending|to|through)\b"
    r"|\b(quarter)\b|\b(year)s?\s+(?:ended|ending)"
    r"|\b(as\s+of|at|on)\s+(?:\w+\s+\d|\d)|\byear[\s-]end\b",
    re.I,
)
_LENGTHS = {"three": 3, "quarter": 3, "six": 6, "nine": 9, "twelve": 12, "year": 12}
_SO_FAR_MONTHS = {"Q1": 3, "Q2": 6, "Q3": 9}
_UNSAID = re.compile(
    r"\b(?:in\s+)?(?:U\.?\s?S\.?|American)\s+dollars\b|\bUSD\b|(?-i:\b[a-z][a-z-]+:(?=[A-Z][a-z]))", re.I
)
"""Words that name no figure: the currency, and the prefix of an XBRL concept."""
_BEFORE_LAST = re.compile(r"\b(?:previous|prior)\s+(?:fiscal\s+)?year\b|\byear\s+before\b", re.I)
_ASKING = re.compile(
    r"\b(?:what|how|which|who|when|where|why|is|was|were|are|did|do|does|has|have|had|in|for|of|on|at|the|give|show|"
    r"tell|list|compare|explain|describe|name|by|and|as|please|fiscal|year|fy|quarter|q[1-4])\b",
    re.I,
)


@dataclass(frozen=True)
class Filter:
    """The companies, times and forms that a search is limited to; empty means all.

    Args:
        companies: names, as the documents spell them.
        periods: fiscal years and quarters.
        forms: such as 10-K.
        moments: days that the question names.
        months: the length of the time that ends on these days; 0 for a moment, on these days or at the end
            of these periods; None where that is left open.
        unknown: names in the question that no document is of.
    """

    companies: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    forms: tuple[str, ...] = ()
    moments: tuple[date, ...] = ()
    months: int | None = None
    unknown: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The filter as plain values."""
        parts = {f"Q{p.quarter}" for p in self.periods if p.quarter}
        parts |= {f"{p.months}M" for p in self.periods if p.months and not p.quarter}
        return {
            "company": list(self.companies),
            "fiscal_year": sorted({period.year for period in self.periods}),
            "fiscal_period": sorted(parts),
            "form": list(self.forms),
            "date": [day.isoformat() for day in self.moments],
            "not_indexed": list(self.unknown),
        }


@dataclass(frozen=True)
class Asked:
    """A question: its text, its filter, and the stems of the words that are neither names nor times.

    `statement`: the financial statement that it names, such as the balance sheet.
    """

    text: str
    filter: Filter
    terms: frozenset[str]
    rest: str
    statement: str = ""


def aliases(cover: Cover) -> frozenset[str]:
    """The names that a question may use for a company, in lower case without punctuation."""
    parts = re.findall(r"[a-z0-9]+", re.sub(r"[’']s?\b", "", cover.company.lower()))
    short = [part for part in parts if part not in _SUFFIXES]
    if not short:
        return frozenset()
    found = {" ".join(short), " ".join(parts)}
    if len(short) > 1:
        found.add("".join(part[0] for part in short))
        found.add("".join(part[0] for part in parts if part != "co"))
        if "&" in cover.company:
            found.add(" ".join(part[0] for part in short))
    if len(short[0]) > 4 and short[0] not in _COMMON:
        found.add(short[0])
    return frozenset(name for name in found | _tickers(cover) if len(name) > 1)


def _tickers(cover: Cover) -> frozenset[str]:
    """The company's tickers and initials in lower case: names that are also words."""
    parts = [part for part in re.findall(r"[a-z0-9]+", cover.company.lower()) if part not in _SUFFIXES]
    given = {ticker.strip().lower() for ticker in cover.ticker.split(",") if ticker.strip()}
    return frozenset((given | {"".join(part[0] for part in parts)}) - {" ".join(parts), *parts[:1]})


def understand(question: str, covers: Sequence[Cover], given: Mapping[str, Any] | None = None) -> Asked:
    """Read a question against the documents that there are.

    Args:
        given: filters that the caller sets: company, fiscal_year, fiscal_period, form.
    """
    rest, companies = _companies(_UNSAID.sub(" ", question), covers)
    rest, statement = named(rest)
    rest, found = _times(rest, [c for c in covers if not companies or c.company in companies])
    forms = tuple(dict.fromkeys(_form(match[0]) for match in _FORMS.finditer(rest)))
    rest = _FORMS.sub(" ", rest)
    unknown = _unknown(rest, covers, companies)
    found = replace(found, companies=companies, forms=forms, unknown=unknown)
    return Asked(question, _override(found, given or {}), stems(rest), " ".join(rest.split()), statement)


def _form(text: str) -> str:
    match = re.fullmatch(r"(\d+)-?([kqf])", text, re.I)
    return f"{match[1]}-{match[2].upper()}" if match else "earnings release"


def _override(found: Filter, given: Mapping[str, Any]) -> Filter:
    if given.get("company"):
        found = replace(found, companies=(str(given["company"]),), unknown=())
    if given.get("form"):
        found = replace(found, forms=(str(given["form"]),))
    if given.get("fiscal_year"):
        period = str(given.get("fiscal_period") or "FY").upper()
        quarter = int(period[1]) if re.fullmatch("Q[1-4]", period) else None
        found = replace(found, periods=(Period(int(given["fiscal_year"]), quarter),), moments=())
    return found


def _companies(question: str, covers: Sequence[Cover]) -> tuple[str, tuple[str, ...]]:
    """The question without the companies' names, and the companies."""
    found: dict[str, int] = {}
    rest = question
    for cover in sorted(covers, key=lambda each: -max(map(len, aliases(each)), default=0)):
        tickers = _tickers(cover)
        for name in sorted(aliases(cover), key=len, reverse=True):
            between = r"[\s.,&-]*".join(map(re.escape, name.split()))
            pattern = re.compile(rf"\b{between}(?:[’']s?)?(?!\w){_SUFFIX_AFTER}(?:[’']s?)?", re.I)
            for match in pattern.finditer(question):
                plain = match[0].strip()
                short = re.split("['’]", plain)[0]
                if name in tickers and not short.isupper():
                    continue  # a ticker such as COST or IT is meant only in capitals
                found.setdefault(cover.company, match.start())
                rest = rest.replace(match[0], " ")
    return rest, tuple(sorted(found, key=lambda company: found[company]))


def _times(question: str, covers: Sequence[Cover]) -> tuple[str, Filter]:
    moments = tuple(day for day, _ in dates(question))
    rest = question
    for pattern in (MONTH_FIRST, DAY_FIRST):
        rest = pattern.sub(" ", rest)
    years = [int(match[1] or f"20{match[2]}") for match in _YEAR.finditer(rest)]
    quarters = [
        int(word) if word.isdigit() else _ORDINAL[word.lower()]
        for pattern in _QUARTERS
        for match in pattern.finditer(rest)
        for word in [next(group for group in match.groups() if group)]
    ]
    months = [9 if (m[1] or "").lower() in {"nine", "9"} else 6 for m in _MONTHS.finditer(rest)]
    newest = max((c for c in covers if c.period_end), key=lambda c: c.period_end or date.min, default=None)
    if _SO_FAR.search(rest) and newest and newest.fiscal_period in _SO_FAR_MONTHS:
        rest = _SO_FAR.sub(" ", rest)
        so_far = _SO_FAR_MONTHS[newest.fiscal_period]
        quarters, months = ([1], []) if so_far == 3 else ([], [so_far])
    length = _LENGTH.search(question) if moments else None
    span_months = _LENGTHS.get((length[1] or length[2] or length[3] or "").lower(), 0) if length else None
    if _AT_THE_END.search(rest):
        span_months, rest = (span_months if moments else 0), _AT_THE_END.sub(" ", rest)
    latest = max((cover.fiscal_year for cover in covers if cover.fiscal_year), default=None)
    if not years and not moments and latest:
        for pattern, year in ((_BEFORE_LAST, latest - 1), (_LATEST, latest)):
            if not years and pattern.search(rest):
                years, rest = [year], pattern.sub(" ", rest)
    if (quarters or months) and not years and latest and not moments:
        years = [latest]
    parts: list[tuple[int | None, int | None]] = [(quarter, None) for quarter in quarters]
    parts = parts or [(None, span) for span in months] or [(None, None)]
    periods = [Period(year, quarter, span) for year in dict.fromkeys(years) for quarter, span in parts]
    for pattern in (_YEAR, *_QUARTERS, _MONTHS):
        rest = pattern.sub(" ", rest)
    rest = re.sub(
        r"\b(?:fiscal\s+year|full\s+year|years?\s+ended|as\s+of|(?:three|twelve)[\s-]months?\s+(?:ended|ending|to|through)|months\s+(?:ended|ending))\b",
        " ",
        rest,
        flags=re.I,
    )
    return rest, Filter(periods=tuple(periods), moments=moments, months=span_months)


def _unknown(rest: str, covers: Sequence[Cover], companies: tuple[str, ...]) -> tuple[str, ...]:
    """Names of companies in a question that no document is of.

    They are capitalised words with a possessive, before a suffix such as Inc, or after words such as `of`
    where no company was found; and there also small words with a possessive, but for common nouns.
    """
    word = rf"{_CAPITAL}[\w&-]*"
    found = re.findall(rf"\b((?:{word}\s+){{0,3}}{word})[’']s\b", rest)
    found += re.findall(rf"\b((?:{word}\s+){{1,3}})(?:Inc|Corp|Corporation|Company|Ltd|plc)\b", rest)
    if not companies:
        found += re.findall(
            rf"\b(?:did|does|of|at|by|for|has|had|is|was)\s+((?:{word}\s?){{1,3}})(?=\b)", rest
        )
        owners = re.findall(r"\b([^\W\d_]{3,})[’']s\b", rest)
        found += [owner for owner in owners if owner.islower() and owner not in _OWNERS]
    known = {part for cover in covers for name in aliases(cover) for part in name.split()}
    names = []
    for name in found:
        kept = [word for word in name.split() if not _ASKING.fullmatch(word)]
        if kept and not {word.lower() for word in kept} <= known:
            names.append(" ".join(kept))
    return tuple(dict.fromkeys(names))
