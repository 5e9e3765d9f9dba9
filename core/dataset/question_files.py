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
    """The questions in a file, and how many are of which public set."""

    questions: list[Question] = field(default_factory=list)
    sets: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        known = ", ".join(f"{count} of {name}" for name, count in self.sets.items())
        sentences = sum(question.free for question in self.questions)
        free = (
            f"; where the answer is a sentence ({sentences}), only the figures in it are looked at"
            if sentences
            else ""
        )
        count = f"{len(self.questions)} question{'s' * (len(self.questions) != 1)}"
        return f"{count}, asked and never trained on{known and f' ({known})'}{free}"


def read_questions(name: str, stream: BinaryStream) -> tuple[list[Question], list[Problem]]:
    """All questions of a file, and what in it cannot be asked; ``name`` says by its ending what it is."""
    problems: list[Problem] = []
    return questions_in(LineReader(name, stream, problems)).questions, problems


def questions_in(lines: LineReader) -> Asked:
    """The questions of a file; what cannot be asked is complained of."""
    asked = Asked()
    try:
        for number, (line, record) in enumerate(_records(lines), start=1):
            try:
                known = labelled(record) if isinstance(record, str) else record
                for question in questions_of(known, source=lines.source, number=number):
                    asked.questions.append(question)
                    if public := set_of(known):
                        asked.sets[f"{public.name}, licence: {public.licence}"] += 1
            except (ValueError, TypeError) as error:
                lines.complain(line, str(error))
    except tables.BrokenTable as error:
        lines.complain(error.line, str(error))
    return asked


def _records(lines: LineReader) -> Iterator[tuple[int | None, dict[str, Any] | str]]:
    suffix = PurePosixPath(lines.source).suffix.lower()
    if suffix in (".csv", ".tsv"):
        for line, row in tables.records(lines, names=_is_name)[2]:
            yield line, opened(row)
    elif suffix == ".txt" and not json_records.are_objects(lines):
        yield from ((number, text) for number, text in lines if text.strip())
    else:
        for line, record in json_records.records(lines):
            if isinstance(record, str):
                lines.complain(line, "a bare string; write an object with `question` and `answer`")
            else:
                yield line, record


def _is_name(cell: str) -> bool:
    return key_of(cell) in _NAMES or is_usual_name(cell)
