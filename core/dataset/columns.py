"""Columns of a dataset's records: their usual names, and whether what stands in them is text."""

import re
from collections.abc import Iterable
from typing import Any

#: Columns of questions, each with the columns that may hold the answer; the first pair that is there counts.
ANSWERS = {
    "instruction": ("output", "response", "completion", "answer", "target"),
    "prompt": ("completion", "response", "output", "answer", "target", "chosen"),
    "question": ("answer", "response", "output", "answers", "final_answer", "completion", "target"),
    "query": ("response", "answer", "output", "target"),
    "input": ("output", "target", "response", "answer", "completion"),
    "context": ("target", "response"),
    "source": ("target",),
    "user": ("assistant", "bot"),
    "human": ("assistant", "bot", "gpt"),
}
#: Columns with what a question is about; they may be missing or empty.
CONTEXTS = ("context", "input", "passage", "evidence", "document")
#: Usual names of a column of text, the likeliest first.
TEXT_COLUMNS = (
    *("text", "content", "body", "sentence", "document", "article", "passage", "paragraph", "transcript"),
    *("news", "story", "full_text", "tweet", "post", "comment", "review", "message", "report", "summary"),
    *("abstract", "description", "sentences", "texts", "utterance", "statement", "headline", "title"),
)
#: Names that say that a table's first line is its header, beside those above.
_OTHER_NAMES = frozenset(
    ("id", "index", "label", "labels", "sentiment", "date", "author", "ticker", "company", "answer", "output")
)

#: A column is one of labels if its values repeat this often (or more) and are short.
FEW_DISTINCT, SHORT_VALUE = 0.25, 40
#: A column without a usual name is one of names or tickers if its values are shorter than this on average.
FEWEST_WORDS, FEWEST_CHARACTERS = 3, 25
FEWEST_VALUES = 20
#: A column with this share of figures, dates, addresses and ids holds no text.
MOSTLY = 0.9

_NO_TEXT = re.compile(
    r"[\s$€£¥(+-]*\d[\d.,'\s]*[%)]*"  # a figure
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T][\d:.+Z]*)?"  # a date
    r"|\w+://\S+"  # an address
    r"|(?=\S*\d)[\w-]{1,64}"  # an id
)


def is_usual_name(name: str) -> bool:
    """Whether a text is a usual name of a column."""
    key = key_of(name)
    return key in ANSWERS or key in TEXT_COLUMNS or key in CONTEXTS or key in _OTHER_NAMES


def why_no_text(values: list[str]) -> str:
    """Says what a column holds instead of text; "" where it may be text."""
    if len(values) < 3:
        return ""
    if sum(_NO_TEXT.fullmatch(value.strip()) is not None for value in values) >= MOSTLY * len(values):
        return "figures, dates, addresses or ids"
    distinct = len(set(values))
    repeated = len(values) >= FEWEST_VALUES and distinct <= FEW_DISTINCT * len(values)
    if repeated and sum(map(len, values)) < SHORT_VALUE * len(values):
        return f"only {distinct} different values, which repeat as labels do"
    return ""


def holds_names(values: list[str]) -> bool:
    """Whether a column without a usual name holds names, tickers or single words, and no text."""
    if len(values) < FEWEST_VALUES:
        return False
    words, size = sum(len(value.split()) for value in values), sum(map(len, values))
    return words < FEWEST_WORDS * len(values) and size < FEWEST_CHARACTERS * len(values)


def texts_of(name: str, tables: list[dict[str, Any]]) -> list[str]:
    """The texts in a column that are not empty."""
    return [value for each in tables if isinstance(value := each.get(name), str) and value.strip()]


def prose(name: str, tables: list[dict[str, Any]]) -> float:
    """How much text a column holds: letters a value, none for figures, ids and labels."""
    values = texts_of(name, tables)
    if not values or why_no_text(values):
        return 0
    return sum(sum(map(str.isalpha, value)) for value in values) / len(tables)


def key_of(name: str) -> str:
    """A column's name without case, spaces and dashes."""
    return re.sub(r"[\s_-]+", "_", str(name).strip().strip("\"'").casefold())


def listed(names: Iterable[str]) -> str:
    """Names of columns as messages show them: the first, and how many more there are."""
    shown = [str(name)[:40] for name in names]
    return (
        ", ".join(map(repr, shown[:12])) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
        or "none"
    )
