"""Reading a file of questions, in all its forms; the dataset's reader and the benchmark both use it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from core.dataset import json_records, tables
from core.dataset.columns import is_usual_name, key_of
from core.dataset.documents import Problem
from core.dataset.lines import BinaryStream, LineReader
from core.dataset.public_sets import set_of
from core.dataset.questions import NAMES, Question, labelled, opened, questions_of

_NAMES = frozenset(name for names in NAMES.values() for name in names)


@dataclass
class Asked:
    """The number of questions in a file, the public sets they are of, and how many have a free answer."""

    count: int = 0
    free: int = 0
    sets: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        known = ", ".join(f"{count} of {name}" for name, count in self.sets.items())
        free = (
            f"; where the answer is a sentence ({self.free}), only the figures in it are looked at"
            if self.free
            else ""
        )
        count = f"{self.count} question{'s' * (self.count != 1)}"
        return f"{count}, asked and never trained on{known and f' ({known})'}{free}"


def read_questions(name: str, stream: BinaryStream) -> tuple[list[Question], list[Problem]]:
    """All questions of a file, and what in it cannot be asked; ``name`` says by its ending what it is."""
    problems: list[Problem] = []
    return list(questions_in(LineReader(name, stream, problems), problems, Asked())), problems


def questions_in(lines: LineReader, problems: list[Problem], asked: Asked) -> Iterator[Question]:
    """The questions of a file; what cannot be asked goes to ``problems``, counts to ``asked``."""

    def complain(line: int | None, message: str) -> None:
        problems.append(Problem(lines.source, line, message))

    try:
        for number, (line, record) in enumerate(_records(lines, complain), start=1):
            try:
                known = labelled(record) if isinstance(record, str) else record
                for question in questions_of(known, source=lines.source, number=number):
                    asked.count += 1
                    asked.free += question.free
                    if public := set_of(known):
                        asked.sets[f"{public.name}, licence: {public.licence}"] += 1
                    yield question
            except (ValueError, TypeError) as error:
                complain(line, str(error))
    except tables.BrokenTable as error:
        complain(error.line, str(error))


def _records(
    lines: LineReader, complain: json_records.Complain
) -> Iterator[tuple[int | None, dict[str, Any] | str]]:
    suffix = PurePosixPath(lines.source).suffix.lower()
    if suffix in (".csv", ".tsv"):
        texts = (text for _, text in lines)
        for line, row in tables.records(texts, suffix, complain, names=_is_name)[2]:
            yield line, opened(row)
    elif suffix == ".txt" and not json_records.are_objects(lines):
        yield from ((number, text) for number, text in lines if text.strip())
    else:
        for line, record in json_records.records(lines, complain):
            if isinstance(record, str):
                complain(line, "a bare string; write an object with `question` and `answer`")
            else:
                yield line, record


def _is_name(cell: str) -> bool:
    return key_of(cell) in _NAMES or is_usual_name(cell)
