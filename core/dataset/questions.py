"""Questions about text and tables: what a model is examined on, and never trained on.

A dataset's file ``questions.jsonl`` (or ``questions.json``) holds them, a record each:

- ``{"question": "…", "answer": "12.5%"}``: answer is text, a number, or a list of which all are wanted;
  optional ``scale`` ("thousand", "million", "billion", "percent"), ``context`` (text), ``table`` (rows of
  cells) and ``id``.
- ``{"question": "…", "choices": ["…", "…"], "answer": 1}``: the right choice's position from 0, or its text.
- a record of TAT-QA's files, ``{"table", "paragraphs", "questions"}``, as it is (F. Zhu et al., "TAT-QA",
  ACL 2021).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

QUESTION_FILES = ("questions.jsonl", "questions.json")
SCALES = ("", "thousand", "million", "billion", "percent")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``answers`` are all wanted, in ``scale`` if they are numbers; with ``choices`` the
    ``right`` one's position is wanted instead. ``source`` is the file that it stands in."""

    id: str
    source: str
    question: str
    answers: tuple[str, ...]
    scale: str = ""
    context: str = ""
    choices: tuple[str, ...] = ()
    right: int = 0
    #: Other sets of answers that are right too.
    accepted: tuple[tuple[str, ...], ...] = ()
    #: The numbers are calculated ones, known to two decimals even where fewer are written.
    exact: bool = False


def questions_of(record: Mapping[str, Any], *, source: str, number: int) -> Iterator[Question]:
    """The questions of one record, the ``number``-th (from 1) of ``source``.

    Raises ValueError with what to write.
    """
    inner = record.get("questions")
    if not isinstance(inner, list):
        yield _question(record, source, str(record.get("id", number)), str(record.get("context", "")))
        return
    context = "\n".join(part for part in (_table(record.get("table")), _paragraphs(record)) if part)
    for position, item in enumerate(inner, start=1):
        if not isinstance(item, Mapping):
            raise ValueError(f"question {position} is not an object")
        yield _question(item, source, str(item.get("uid", f"{number}.{position}")), context)


def _question(record: Mapping[str, Any], source: str, name: str, context: str) -> Question:
    question, answer = record.get("question"), record.get("answer")
    if not isinstance(question, str) or not question.strip():
        raise ValueError("`question` is missing or empty; write what is asked")
    own_table = _table(record.get("table"))
    context = "\n".join(part for part in (own_table, context.strip("\n")) if part)
    choices = record.get("choices")
    if choices is not None:
        wording, right = _choices(choices, answer)
        return Question(name, source, question.strip(), (wording[right],), "", context, wording, right)
    answers = tuple(_text(item) for item in (answer if isinstance(answer, list) else [answer]))
    answers = tuple(item for item in answers if item)
    if not answers:
        raise ValueError("`answer` is missing; write the right answer: text, a number, or a list of both")
    scale = str(record.get("scale") or "")
    if scale not in SCALES:
        raise ValueError(f"`scale` is {scale!r}; write one of {', '.join(SCALES[1:])}, or leave it out")
    calculated = record.get("answer_type") == "arithmetic"
    return Question(
        name,
        source,
        question.strip(),
        answers,
        scale,
        context,
        accepted=_accepted(record.get("accepted")),
        exact=calculated,
    )


def _accepted(sets: Any) -> tuple[tuple[str, ...], ...]:
    """Other right answers: a list of texts, or of lists of which all are wanted."""
    if sets is None:
        return ()
    if not isinstance(sets, list):
        raise ValueError("`accepted` must be a list of other right answers")
    each = ([_text(part) for part in other] if isinstance(other, list) else [_text(other)] for other in sets)
    return tuple(tuple(filter(None, parts)) for parts in each)


def _choices(choices: Any, answer: Any) -> tuple[tuple[str, ...], int]:
    wording = tuple(_text(choice) for choice in choices) if isinstance(choices, list) else ()
    if len(wording) < 2 or len(set(wording)) < len(wording) or not all(wording):
        raise ValueError("`choices` needs at least two different texts")
    right = wording.index(answer) if isinstance(answer, str) and answer in wording else answer
    if isinstance(right, bool) or not isinstance(right, int) or not 0 <= right < len(wording):
        raise ValueError("`answer` must be the right choice's position from 0, or its text")
    return wording, right


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _table(table: Any) -> str:
    """Rows of cells as lines; TAT-QA wraps them in an object."""
    rows = table.get("table") if isinstance(table, Mapping) else table
    if not isinstance(rows, list):
        return ""
    return "\n".join(" | ".join(map(str, row)) for row in rows if isinstance(row, list))


def _paragraphs(record: Mapping[str, Any]) -> str:
    parts = [part for part in record.get("paragraphs") or [] if isinstance(part, Mapping)]
    return "\n".join(str(part.get("text", "")) for part in sorted(parts, key=lambda p: p.get("order", 0)))
