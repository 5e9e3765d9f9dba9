"""JumpStart's dataset formats, read as streams of documents.

- ``.txt``: a document a line, or documents separated by blank lines (:func:`blank_line_separated` decides).
- ``.csv``, ``.json``/``.jsonl``: the column ``text``, else the first column; JSON may be an array or lines.
- TAT-QA's report files (``.json``, records with ``paragraphs``): a report's paragraphs are a document.
- instruction tuning: ``.json``/``.jsonl`` records put into ``template.json`` ``{"prompt", "completion"}``.

A file ``questions.jsonl`` holds no documents, but what the models are examined on: ``Reader.questions``.

A dataset is one such file or a folder of them; other files are named in ``Reader.notes``, not just skipped.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any

from training.dataset.documents import Document, Problem
from training.dataset.lines import BinaryStream, LineReader
from training.dataset.questions import QUESTION_FILES, Question, questions_of
from training.dataset.templates import TEMPLATE_NAME, Template, parse_template

#: A name (path or S3 key) and its content: an open binary stream, or a function that opens one in its turn.
Source = tuple[str, BinaryStream | Callable[[], BinaryStream]]

READABLE = (".txt", ".csv", ".json", ".jsonl")
LEFT_OUT = "left out"
#: Where a JSON record's text stands, if it has one of these; else in its first column.
PARAGRAPHS = "paragraphs"
TEXT_COLUMNS = ("text", PARAGRAPHS)
#: A folder of the dataset that, where it holds files, is the held-out side, as the channel of that name.
VALIDATION_FOLDER = "validation"
#: Files about a dataset are no part of it, and nobody need be told so.
ABOUT = ("README", "LICENSE", "NOTICE")
#: So many lines of a .txt are looked at to tell its layout, and blank lines must be at least this frequent.
DETECTION_LINES = 2000
LINES_PER_BLANK = 50


def local_sources(path: Path) -> list[Source]:
    """The files at ``path`` (a file, or a folder searched through), sorted by name, without hidden ones."""
    if path.is_file():
        return [(path.name, _opener(path))]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    names = [(file.relative_to(path).as_posix(), file) for file in files]
    return [(name, _opener(file)) for name, file in names if not _hidden(name)]


def by_side(sources: Iterable[Source]) -> tuple[list[Source], list[Source] | None]:
    """(to train on, held out): the files of a folder ``validation/``; None where there is no such folder.

    A template at the top serves both sides.
    """
    outside: list[Source] = []
    inside: list[Source] = []
    for source in sources:
        (inside if source[0].startswith(f"{VALIDATION_FOLDER}/") else outside).append(source)
    if not inside:
        return outside, None
    return outside, [source for source in outside if source[0] == TEMPLATE_NAME] + inside


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _opener(path: Path) -> Callable[[], BinaryStream]:
    return lambda: path.open("rb")


class Reader:
    """Reads a dataset's documents once, in order, in bounded memory (a ``.json`` array is held whole).

    While and after iterating, ``problems`` has what could not be used, ``notes`` what was decided on the way
    (layout of a .txt, column taken, files left out), ``files`` how many files held documents' text, and
    ``questions`` those of its files of questions.
    """

    def __init__(
        self, sources: Iterable[Source], *, instruction_tuned: bool = False, demarcation: bool = True
    ) -> None:
        self._sources = list(sources)
        self._instruction_tuned, self._demarcation = instruction_tuned, demarcation
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.questions: list[Question] = []
        self.files = 0

    def __iter__(self) -> Iterator[Document]:
        templates = self._templates()
        for name, content in self._sources:
            path = PurePosixPath(name)
            suffix = path.suffix.lower()
            if path.name == TEMPLATE_NAME or name.endswith("/"):
                continue
            if path.name in QUESTION_FILES:
                with _opened(content) as stream:
                    self._read_questions(LineReader(name, stream, self.problems))
                continue
            if suffix not in READABLE:
                if path.stem.upper() not in ABOUT:
                    self.notes.append(f"{name}: {LEFT_OUT}, not one of {', '.join(READABLE)}")
                continue
            if self._instruction_tuned and suffix not in (".json", ".jsonl"):
                message = "instruction tuning needs .jsonl records; or set instruction_tuned to False"
                self.problems.append(Problem(name, None, message))
                continue
            self.files += 1
            with _opened(content) as stream:
                yield from self._documents(LineReader(name, stream, self.problems), templates)

    def _documents(self, lines: LineReader, templates: dict[PurePosixPath, Template]) -> Iterator[Document]:
        path = PurePosixPath(lines.source)
        if self._instruction_tuned:
            template = templates.get(path.parent) or templates.get(PurePosixPath(".")) or Template.default()
            yield from self._instructions(lines, template)
        else:
            texts = {".txt": self._txt, ".csv": self._csv}.get(path.suffix.lower(), self._json)(lines)
            yield from (Document(text, None, lines.source, index) for index, text in enumerate(texts))

    def _templates(self) -> dict[PurePosixPath, Template]:
        """Each folder's template; JumpStart's place is beside the records."""
        found: dict[PurePosixPath, Template] = {}
        for name, content in self._sources:
            path = PurePosixPath(name)
            if path.name != TEMPLATE_NAME:
                continue
            if not self._instruction_tuned:
                message = (
                    "a template, but instruction_tuned is False; set it to True or take the template away"
                )
                self.problems.append(Problem(name, None, message))
                continue
            with _opened(content) as stream:
                text = "\n".join(line for _, line in LineReader(name, stream, self.problems))
            try:
                found[path.parent] = parse_template(text)
            except ValueError as error:
                self.problems.append(Problem(name, None, str(error)))
        return found

    def _read_questions(self, lines: LineReader) -> None:
        for number, (line, record) in enumerate(self._records(lines), start=1):
            try:
                if isinstance(record, str):
                    raise ValueError("a bare string; write an object with `question` and `answer`")
                self.questions += questions_of(record, source=lines.source, number=number)
            except ValueError as error:
                self.problems.append(Problem(lines.source, line, str(error)))

    def _txt(self, lines: LineReader) -> Iterator[str]:
        numbered = iter(lines)
        sample = list(islice(numbered, DETECTION_LINES))
        separated = blank_line_separated([text for _, text in sample])
        layout = "documents separated by blank lines" if separated else "a document a line"
        self.notes.append(f"{lines.source}: {layout}")
        texts = (text for _, text in chain(sample, numbered))
        yield from _blocks(texts) if separated else (text for text in texts if text.strip())

    def _csv(self, lines: LineReader) -> Iterator[str]:
        csv.field_size_limit(1 << 30)
        rows = csv.reader((text + "\n" for _, text in lines), strict=True)
        try:
            header = next(rows, None)
            if header is None:
                return
            column = header.index("text") if "text" in header else 0
            self.notes.append(
                f"{lines.source}: column {header[column]!r}" if header else f"{lines.source}: no columns"
            )
            for row in rows:
                if len(row) > column:
                    yield row[column].rstrip("\n")
                elif row:
                    message = (
                        f"{len(row)} columns, but the text is column {column + 1}; quote fields with commas"
                    )
                    self.problems.append(Problem(lines.source, rows.line_num, message))
        except csv.Error as error:
            self.problems.append(Problem(lines.source, rows.line_num, f"not a valid CSV row: {error}"))

    def _json(self, lines: LineReader) -> Iterator[str]:
        column: str | None = None
        for number, record in self._records(lines):
            if isinstance(record, str):
                yield record
                continue
            if column is None:
                column = next((name for name in TEXT_COLUMNS if name in record), next(iter(record), None))
                left_out = ", tables and questions left out" if column == PARAGRAPHS else ""
                self.notes.append(f"{lines.source}: column {column!r}{left_out}")
            value = record.get(column) if column is not None else None
            if column == PARAGRAPHS and isinstance(value, list):
                value = "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
            if isinstance(value, str):
                yield value
            else:
                what = "is missing" if value is None else f"holds {type(value).__name__}"
                message = f"column {column!r} {what}; give every record a `text` column with the text"
                self.problems.append(Problem(lines.source, number, message))

    def _instructions(self, lines: LineReader, template: Template) -> Iterator[Document]:
        for index, (number, record) in enumerate(self._records(lines)):
            if isinstance(record, str):
                self.problems.append(
                    Problem(lines.source, number, "a bare string; instruction records are objects")
                )
                continue
            try:
                prompt, completion = template.fill(record, demarcation=self._demarcation)
            except ValueError as error:
                self.problems.append(Problem(lines.source, number, str(error)))
                continue
            yield Document(completion, prompt, lines.source, index)

    def _records(self, lines: LineReader) -> Iterator[tuple[int | None, dict[str, Any] | str]]:
        """(line or None, record) of a JSON array or of JSON lines; broken ones become problems."""
        numbered = ((number, text) for number, text in lines if text.strip())
        first = next(numbered, None)
        if first is None:
            return
        if first[1].lstrip().startswith("["):
            text = "\n".join(chain([first[1]], (text for _, text in numbered)))
            try:
                items: list[tuple[int | None, Any]] = [(None, item) for item in json.loads(text)]
            except (json.JSONDecodeError, RecursionError) as error:
                self.problems.append(
                    Problem(lines.source, getattr(error, "lineno", None), f"not valid JSON: {error}")
                )
                return
            yield from self._usable(lines.source, items)
        else:
            yield from self._usable(lines.source, self._json_lines(lines.source, chain([first], numbered)))

    def _json_lines(self, source: str, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
        for number, text in lines:
            try:
                yield number, json.loads(text)
            except (json.JSONDecodeError, RecursionError) as error:
                message = f"not valid JSON ({error}); write one object a line, or one array"
                self.problems.append(Problem(source, number, message))

    def _usable(
        self, source: str, items: Iterable[tuple[int | None, Any]]
    ) -> Iterator[tuple[int | None, dict[str, Any] | str]]:
        for number, item in items:
            if isinstance(item, dict | str):
                yield number, item
            else:
                self.problems.append(
                    Problem(source, number, f"a record is {type(item).__name__}, not an object")
                )


@contextmanager
def _opened(content: BinaryStream | Callable[[], BinaryStream]) -> Iterator[BinaryStream]:
    """The stream, closed afterwards if it was opened here."""
    if not callable(content):
        yield content
        return
    stream = content()
    try:
        yield stream
    finally:
        if hasattr(stream, "close"):
            stream.close()


def blank_line_separated(lines: list[str]) -> bool:
    """Whether documents are the blocks between blank lines, not the lines.

    True if the text has a blank line at least every LINES_PER_BLANK lines. A document a line with a stray
    blank line here and there stays a document a line; wrapped paragraphs do not fall apart into half
    sentences.
    """
    gaps, inside, filled = 0, False, 0
    for line in lines:
        if line.strip():
            gaps += not inside and filled > 0
            inside, filled = True, filled + 1
        else:
            inside = False
    return gaps > 0 and filled <= LINES_PER_BLANK * (gaps + 1)


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for line in chain(lines, [""]):
        if line.strip():
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []
