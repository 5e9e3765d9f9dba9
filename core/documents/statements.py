"""Finds the financial statement that a figure stands in, and the one that a question names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

BALANCE, INCOME, CASH = "balance sheet", "income statement", "cash flow statement"
COMPREHENSIVE, EQUITY = "statement of comprehensive income", "statement of equity"
_NAMED = (
    (COMPREHENSIVE, r"statements?\s+of\s+(?:other\s+)?comprehensive\s+(?:income|loss|earnings)|"
                    r"comprehensive\s+income\s+statements?"),
    (CASH, r"statements?\s+of\s+cash\s+flows?|cash[\s-]flows?\s+statements?"),
    (BALANCE, r"balance\s+sheets?|statements?\s+of\s+financial\s+(?:position|condition)"),
    (INCOME, r"statements?\s+of\s+(?:operations|income|earnings)|"
             r"(?:income|earnings|profit\s+and\s+loss)\s+statements?|p\s?&\s?l\b"),
    (EQUITY, r"statements?\s+of\s+(?:changes\s+in\s+)?(?:(?:share|stock)(?:holders|owners)[’']?\s+)?equity"),
)  # fmt: skip
_BEFORE = (
    r"(?:\b(?:according\s+to|as\s+(?:shown|reported|stated|given|printed)\s+(?:in|on)|shown\s+(?:in|on)|in|on|from|"
    r"per|of|by)\s+)?(?:(?:the|its|their)\s+)?(?:(?:condensed|consolidated|unaudited)\s+)*"
)
_PATTERNS = tuple((name, re.compile(rf"{_BEFORE}\b(?:{words})", re.I)) for name, words in _NAMED)
_ANCHORS = {
    "LiabilitiesAndStockholdersEquity": "liabilities and equity",
    "NetCashProvidedByUsedInOperatingActivities": "operating cash",
    "NetCashProvidedByUsedInFinancingActivities": "financing cash",
    "IncomeTaxExpenseBenefit": "tax",
    "EarningsPerShareBasic": "earnings per share",
    "EarningsPerShareDiluted": "earnings per share",
    "EarningsPerShareBasicAndDiluted": "earnings per share",
    "NetIncomeLoss": "profit",
    "ProfitLoss": "profit",
    "ComprehensiveIncomeNetOfTax": "comprehensive",
    "ComprehensiveIncomeNetOfTaxIncludingPortionAttributableToNoncontrollingInterest": "comprehensive",
}
_PRINTED = (
    ("liabilities and equity", r"total\s+liabilities\b.*\bequity"),
    ("operating cash", r"(?:net\s+)?cash\b.*\boperating\s+activities"),
    ("financing cash", r"(?:net\s+)?cash\b.*\bfinancing\s+activities"),
    ("tax", r"(?:provision|benefit)\b.*\bincome\s+taxes|income\s+tax(?:es)?\s+(?:expense|provision)"),
    ("earnings per share", r"(?:basic|diluted)\b.*\bper\s+share|per\s+share\b.*\b(?:basic|diluted)"),
    ("profit", r"net\s+(?:income|earnings|loss)\b"),
    ("comprehensive", r"(?:total\s+)?comprehensive\s+(?:income|loss)"),
)
_HOLDS = (
    (BALANCE, {"liabilities and equity"}),
    (CASH, {"operating cash", "financing cash"}),
    (INCOME, {"tax", "earnings per share", "profit"}),
    (COMPREHENSIVE, {"comprehensive", "profit"}),
)
Table = tuple[int, int | None, str]
"""A document, a page and the heading above: figures that share them stand in one table."""


def named(question: str) -> tuple[str, str]:
    """The question without the statement that it names, and the statement; empty if it names none."""
    for name, pattern in _PATTERNS:
        if pattern.search(question):
            return pattern.sub(" ", question), name
    return question, ""


def of_heading(heading: str) -> str:
    """The statement that a heading is the title of; empty if it is none."""
    last = re.sub(r"\([^)]*\)|\b(?:continued|unaudited)\b", " ", heading.rpartition(" > ")[2], flags=re.I)
    if not re.match(
        r"\s*(?:condensed|consolidated|unaudited|statements?\s+of|balance\s+sheets?)\b", last, re.I
    ):
        return ""
    rest, name = named(last)
    return "" if re.search(r"\w{3}", rest) else name


@lru_cache(maxsize=65536)
def anchor(concept: str, label: str) -> str:
    """The line of a statement that a figure is, of those by which statements are known."""
    if concept:
        return _ANCHORS.get(concept, "")
    plain = label.rpartition(": ")[2]
    return next((name for name, words in _PRINTED if re.match(words, plain, re.I)), "")


def of_tables(anchors: Iterable[tuple[Table, str]]) -> Mapping[Table, str]:
    """The statement that each table is, where it is one, from the anchors of its undivided figures.

    A document's first table that holds the lines of a statement is that statement; later ones are notes.
    """
    held: dict[Table, set[str]] = defaultdict(set)
    for table, line in anchors:
        held[table].add(line)
    found = {table: name for table in held if (name := of_heading(table[2]))}
    known = {(table[0], name) for table, name in found.items()}
    for table in sorted(held, key=lambda each: (each[0], each[1] or 0)):
        for name, lines in _HOLDS:
            if table not in found and lines <= held[table] and (table[0], name) not in known:
                found[table] = name
                known.add((table[0], name))
    return found
