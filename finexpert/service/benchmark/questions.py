"""Reads the questions of a benchmark, and answers that were pasted from a service without an API."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset.question_files import read_questions
from core.dataset.questions import Question
from core.documents import store
from core.documents.search import Corpus
from finexpert.errors import UserError
from finexpert.service.documents.exercises import exercises
from finexpert.service.documents.library import decoded

_FIX = 'Write an object a line: {"id": "1", "question": "…", "answer": "12.5 million"}.'


@dataclass(frozen=True)
class Item:
    """A question, and the document or table that it is about: answers on one document err together."""

    question: Question
    group: str

    @property
    def id(self) -> str:
        """The question's id; answers are stored under it."""
        return self.question.id


def read(path: Path) -> list[Item]:
    """The questions of a file: one's own (.jsonl, .json, .csv), or a public set as it is.

    Questions whose answer is a free sentence are left out: they cannot be graded right or wrong.

    Raises:
        UserError: the file cannot be used: which record, why, and what to write.
    """
    found, problems = read_questions(path.name, io.BytesIO(_content(path)))
    if problems:
        raise UserError(problems[0].message, where=f"{path}, line {problems[0].line or 1}", fix=_FIX)
    items = [Item(each, each.group or each.id) for each in found if not each.free]
    if not items:
        free = " whose answer is a figure, a name or a choice" if found else ""
        raise UserError(f"There are no questions{free}.", where=str(path), fix=_FIX)
    twice = next((name for name, count in Counter(item.id for item in items).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"Two questions have the id {twice}.", where=str(path), fix="Give each its own id.")
    return items


def from_documents(index: Path, most: int) -> list[Item]:
    """Questions about the figures of an index of documents; those of one document err together.

    Raises:
        store.IndexProblem: there is no index.
        UserError: it holds no figure with a unique name.
    """
    with store.opened(index) as connection:
        found = exercises(Corpus.of(connection), most=most)
    if not found:
        raise UserError(
            "No figure of the documents makes a question.", where=str(index), fix="finexpert docs list"
        )
    return [
        Item(Question(f"fact-{n}", each.document, each.question, (str(each.fact.value),)), each.document)
        for n, each in enumerate(found, 1)
    ]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The file cannot be read: {error.strerror}.", where=str(path), fix="Name one that can."
        ) from None


def pasted(path: Path) -> dict[str, str]:
    """Answers by question, from a CSV with the columns id and answer; separators and letter case may vary.

    Raises:
        UserError: a column is missing, or an id stands twice with different answers.
    """
    text = re.sub(r"\A\s*sep=.\s*?\n", "", decoded(_content(path))).replace("\0", "").lstrip("\r\n")
    first = text.split("\n", 1)[0]
    csv.field_size_limit(2**31 - 1)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t|", key=first.count))
    names = {(name or "").strip().lower(): name for name in rows.fieldnames or []}
    if not {"id", "answer"} <= set(names):
        raise UserError(
            f"The columns are {', '.join(filter(None, names)) or 'none'}.",
            where=str(path),
            fix="Name them id and answer.",
        )
    found: dict[str, str] = {}
    try:
        for row in rows:
            name, answer = ((row.get(names[column]) or "").strip() for column in ("id", "answer"))
            if name and found.setdefault(name, answer) != answer:
                raise UserError(
                    f"{name} has two answers.", where=f"{path}, line {rows.line_num}", fix="Keep one."
                )
    except csv.Error as error:
        raise UserError(
            f"It is no CSV: {error}.", where=f"{path}, line {rows.line_num}", fix="Save it anew."
        ) from None
    return found


def matched(answers: Mapping[str, str], ids: Sequence[str]) -> dict[str, str]:
    """Answers by the questions' ids. A spreadsheet's 1.0 or 1 is the question 1 or 001, if no other is."""
    plain: dict[str, list[str]] = {}
    for name in ids:
        plain.setdefault(_number(name), []).append(name)
    found = {name: answers[name] for name in ids if name in answers}
    for name, answer in answers.items():
        meant = plain.get(_number(name), [])
        if name not in found and len(meant) == 1:
            found.setdefault(meant[0], answer)
    return found


def _number(name: str) -> str:
    match = re.fullmatch(r"0*(\d+)(?:\.0+)?", name)
    return match[1] if match else name.casefold()
