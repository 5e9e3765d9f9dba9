"""Reads the questions of a benchmark, and answers that were pasted from a service without an API."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.dataset.questions import Question, questions_of
from finexpert.errors import UserError

_FIX = 'Write an object a line: {"id": "1", "question": "…", "answer": "12.5 million"}.'


@dataclass(frozen=True)
class Item:
    """A question, and the document or table that it is about: answers on one document err together."""

    question: Question
    group: str

    @property
    def id(self) -> str:
        """The question's name, as answers are filed under."""
        return self.question.id


def read(path: Path) -> list[Item]:
    """The questions of a .jsonl or .json file: one's own, or TAT-QA's as they are.

    Raises:
        UserError: the file cannot be used: which record, why, and what to write.
    """
    items = [item for number, record in _records(path) for item in _items(record, number, path)]
    if not items:
        raise UserError("There are no questions.", where=str(path), fix=_FIX)
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise UserError(
                f"Two questions have the id {item.id}.", where=str(path), fix="Give each its own id."
            )
        seen.add(item.id)
    return items


def _items(record: Mapping[str, Any], number: int, path: Path) -> Iterator[Item]:
    group = str(record.get("group") or record.get("document") or record.get("doc_name") or f"record {number}")
    try:
        for question in questions_of(record, source=path.name, number=number):
            yield Item(question, group)
    except ValueError as error:
        raise UserError(f"Record {number}: {error}", where=str(path), fix=_FIX) from None


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    text = _text(path)
    entries: list[Any]
    try:
        whole = json.loads(text)
        entries = whole if isinstance(whole, list) else [whole]
    except ValueError:
        entries = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    entries.append(json.loads(line))
                except ValueError:
                    raise UserError(f"Line {number} is not JSON.", where=str(path), fix=_FIX) from None
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping):
            raise UserError(f"Record {number} is not an object.", where=str(path), fix=_FIX)
        yield number, entry


def _text(path: Path) -> str:
    """A file's text as spreadsheets and editors write it: UTF-8 or UTF-16 with a mark, or Windows' own."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The file cannot be read: {error.strerror}.", where=str(path), fix="Name one that can."
        ) from None
    for mark, coding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(coding, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("windows-1252", "replace")


def pasted(path: Path) -> dict[str, str]:
    """Answers by question, from a CSV with the columns id and answer; separators and letter case may vary.

    Raises:
        UserError: a column is missing, or an id stands twice with different answers.
    """
    text = re.sub(r"\A\s*sep=.\s*?\n", "", _text(path)).replace("\0", "").lstrip("\r\n")
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
