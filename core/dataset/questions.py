"""Questions about text and tables: what a model is examined on, and never trained on.

A file ``questions.jsonl``, ``.json``, ``.csv`` or ``.txt``, or any such file in a folder ``questions``, holds
them, a record each:

- ``{"question": "…", "answer": "12.5%"}``: answer is text, a number, or a list of which all are wanted;
  optional ``scale`` ("thousand", "million", "billion", "percent"), ``context`` (text), ``table`` (rows of
  cells), ``id``, and ``group`` (what questions on one document share).
- ``{"question": "…", "choices": ["…", "…"], "answer": 1}``: the right choice's position from 0, its letter or
  its text.
- a row of a table with such columns, or with others of `NAMES`; choices may have a column each.
- a record of a public set (:mod:`core.dataset.public_sets`), as it is.
- in ``.txt`` a line ``sentence@label``, as Financial PhraseBank has them.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from core.dataset.columns import key_of
from core.dataset.public_sets import set_of, table_text

QUESTION_FOLDER = QUESTION_STEM = "questions"
SCALES = ("", "thousand", "million", "billion", "percent")
#: Other names of each column, in the order in which they count.
NAMES = {
    "question": ("question", "query", "prompt", "ask"),
    "answer": (
        *("answer", "answers", "gold_answer", "correct_answer", "expected_answer", "expected", "reference"),
        *("ground_truth", "gold", "correct", "solution", "output", "response", "completion"),
    ),
    "context": ("context", "passage", "excerpt", "evidence", "source_text"),
    "choices": ("choices", "options"),
    "scale": ("scale",),
    "table": ("table",),
    "accepted": ("accepted",),
    "id": ("id", "uid", "qid", "question_id"),
    "group": ("group", "document", "doc_name", "filename", "company"),
}
#: A list of texts as NumPy prints it: without commas between them.
_TEXT = r"""(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
_PRINTED_ARRAY = re.compile(rf"\[{_TEXT}(?:\s+{_TEXT})+\]")
_BETWEEN_TEXTS = re.compile(rf"({_TEXT})\s+(?={_TEXT})")
_CHOICE_COLUMN = re.compile(r"(?:(?:choice|option|answer)_?)?([a-j])|(?:choice|option)_?(\d)")
_LABELLED = re.compile(r"(?P<sentence>.+)@(?P<label>positive|neutral|negative)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``answers`` are all wanted, in ``scale`` if they are numbers; with ``choices`` the
    ``right`` one's position is wanted instead. ``source`` is the file that it stands in; questions of one
    ``group`` are about one document. A ``free`` one's answer may be said in many ways, so only its figures
    are looked at."""

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
    group: str = ""
    free: bool = False

    def as_instruction(self) -> tuple[str, str]:
        """The prompt and the answer that training learns of it."""
        choices = "".join(f"\n{chr(ord('A') + n)}. {choice}" for n, choice in enumerate(self.choices))
        answer = ", ".join(self.answers)
        scaled = answer if self.scale in ("", "percent") else f"{answer} {self.scale}"
        scaled += "%" * (self.scale == "percent" and not answer.endswith("%"))
        return "\n\n".join(part for part in (self.context, f"{self.question}{choices}") if part), scaled


def holds_questions(name: str) -> bool:
    """Whether a file of this name is read for questions."""
    path = PurePosixPath(name)
    return path.stem == QUESTION_STEM or QUESTION_FOLDER in path.parts[:-1]


def labelled(line: str) -> dict[str, str]:
    """The record of a line ``sentence@label``. Raises ValueError."""
    found = _LABELLED.fullmatch(line)
    if not found:
        raise ValueError("a line of text is read as a question only in the form sentence@label")
    return found.groupdict()


def questions_of(record: Mapping[str, Any], *, source: str, number: int) -> Iterator[Question]:
    """The questions of one record, the ``number``-th (from 1) of ``source``.

    Raises ValueError with what to write.
    """
    public = set_of(record)
    if public is None:
        yield _question(_named(record), source, str(number))
        return
    try:
        own = list(public.questions(record, number))
    except (AttributeError, KeyError, TypeError, IndexError, StopIteration) as error:
        raise ValueError(f"this is no whole record of {public.name}: {error!r}") from None
    for item in own:
        yield _question(item, source, str(number))


def _named(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its keys renamed to the documented ones."""
    keys = {key_of(name): value for name, value in reversed(list(record.items())) if value not in (None, "")}
    own = {
        name: next((keys[other] for other in others if other in keys), None) for name, others in NAMES.items()
    }
    columns = sorted(name for name in keys if _CHOICE_COLUMN.fullmatch(name))
    if own["choices"] is None and len(columns) > 1:
        own["choices"] = [keys[name] for name in columns]
    return own | {name: record[name] for name in ("answer_type", "free") if name in record}


def _question(record: Mapping[str, Any], source: str, number: str) -> Question:
    question, answer = record.get("question"), record.get("answer")
    if not isinstance(question, str) or not question.strip():
        raise ValueError("`question` is missing or empty; write what is asked")
    parts = (table_text(record.get("table")), str(record.get("context") or "").strip("\n"))
    context = "\n".join(part for part in parts if part)
    name, group = (str(record.get(key) or default) for key, default in (("id", number), ("group", "")))
    choices = _listed(record.get("choices"))
    if choices is not None:
        wording, right = _choices(choices, answer)
        return Question(
            name, source, question.strip(), (wording[right],), "", context, wording, right, group=group
        )
    answer = _listed(answer)
    answers = tuple(_text(item) for item in (answer if isinstance(answer, list) else [answer]))
    answers = tuple(item for item in answers if item)
    if not answers:
        raise ValueError("`answer` is missing; write the right answer: text, a number, or a list of both")
    scale = str(record.get("scale") or "")
    if scale not in SCALES:
        raise ValueError(f"`scale` is {scale!r}; write one of {', '.join(SCALES[1:])}, or leave it out")
    return Question(
        name,
        source,
        question.strip(),
        answers,
        scale,
        context,
        accepted=_accepted(_listed(record.get("accepted"))),
        exact=record.get("answer_type") == "arithmetic",
        group=group,
        free=bool(record.get("free")),
    )


def opened(record: dict[str, Any]) -> dict[str, Any]:
    """A row of a table with its lists and objects read, if it is then a record of a public set."""
    found = {name: _read(value, "[{") for name, value in record.items()}
    return found if found != record and set_of(found) else record


def _listed(value: Any) -> Any:
    """A cell of a table that holds a list, as a list; other values as they are."""
    return _read(value, "[")


def _read(value: Any, openings: str) -> Any:
    """What a cell holds that begins so, written as JSON or as Python or NumPy print it."""
    if not isinstance(value, str) or value.strip()[:1] not in tuple(openings):
        return value
    text = value.strip()
    if _PRINTED_ARRAY.fullmatch(text):  # without commas, which Python would join
        text = _BETWEEN_TEXTS.sub(r"\1, ", text)
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, list | dict) else value
    return value


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
    right = _position(answer.strip(), wording) if isinstance(answer, str) else answer
    if isinstance(right, bool) or not isinstance(right, int) or not 0 <= right < len(wording):
        raise ValueError("`answer` must be the right choice's position from 0, its letter or its text")
    return wording, right


def _position(given: str, wording: tuple[str, ...]) -> int:
    """The choice that a text names: by its own text, its position from 0, or its letter; -1 = none."""
    if given in wording:
        return wording.index(given)
    if given.isascii() and given.isdigit():
        return int(given)
    return ord(given.upper()) - ord("A") if len(given) == 1 and given.isascii() and given.isalpha() else -1


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()
