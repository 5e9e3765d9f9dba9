"""JumpStart's dataset formats, read as streams of documents.

- ``.txt``: a document a line, or documents separated by blank lines (:func:`blank_line_separated` decides).
- ``.csv``, ``.json``/``.jsonl``: the column ``text``, else the first column; JSON may be an array or lines.
- TAT-QA's report files (``.json``, records with ``paragraphs``): a report's paragraphs are a document.
- instruction tuning: ``.json``/``.jsonl`` records put into ``template.json`` ``{"prompt", "completion"}``.
- dialogs: ``.json``/``.jsonl`` records with ``dialog`` (:mod:`core.dataset.dialogs`).

A file ``questions.jsonl`` holds no documents, but what the models are examined on: ``Reader.questions``.

A dataset is one such file or a folder of them; other files are named in ``Reader.notes``, not just skipped.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from core.dataset.dialogs import turns_of
from core.dataset.documents import Document, Problem, Turn
from core.dataset.json_records import records
from core.dataset.lines import LONGEST_LINE_BYTES, BinaryStream, Closable, Head, LineReader
from core.dataset.questions import QUESTION_FILES, Question, questions_of
from core.dataset.sources import READABLE, Source, tasks_of
from core.dataset.templates import TEMPLATE_NAME, Template, default_template, parse_template
from core.hyperparameters import Hyperparameters

LEFT_OUT = "left out"
#: Where a JSON record's text stands, if it has one of these; else in its first column.
PARAGRAPHS = "paragraphs"
TEXT_COLUMNS = ("text", PARAGRAPHS)
#: Columns of records that hold instructions.
ANSWERED = ({"instruction", "response"}, {"prompt", "completion"})
#: Files about a dataset are no part of it, and nobody need be told so.
ABOUT = ("README", "LICENSE", "NOTICE")
#: So much of a .txt is looked at to tell its layout, and blank lines must be at least this frequent.
DETECTION_LINES = 2000
DETECTION_CHARACTERS = 4 << 20
LINES_PER_BLANK = 50
_RECIPE = Hyperparameters()


class Content(NamedTuple):
    """What one record or text holds, before its place among the file's documents is known.

    ``line`` counts from 1; None where lines mean nothing.
    """

    line: int | None
    text: str
    prompt: str | None = None
    turns: tuple[Turn, ...] = ()


class Reader:
    """Reads a dataset's documents once, in order, in bounded memory.

    While and after iterating, ``problems`` has what could not be used, ``notes`` what was decided on the way
    (layout of a .txt, column taken, files left out), ``files`` how many files held documents' text, and
    ``questions`` those of its files of questions.

    ``tasks`` says what each file teaches, by default what the sources say (:func:`tasks_of`).
    ``limits``: of a file named here only so many bytes are read.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        hyperparameters: Hyperparameters = _RECIPE,
        *,
        tasks: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._sources = list(sources)
        self._chat = hyperparameters.chat_dataset
        self._instruction_tuned = hyperparameters.instruction_tuned
        self._demarcation = hyperparameters.add_input_output_demarcation_key
        self._tasks = tasks_of(self._sources) if tasks is None else tasks
        self._limits = limits or {}
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
            if suffix not in READABLE:
                if path.stem.upper() not in ABOUT:
                    self.notes.append(f"{name}: {LEFT_OUT}, not one of {', '.join(READABLE)}")
                continue
            if path.name in QUESTION_FILES:
                with self._opened(name, content) as lines:
                    self._read_questions(lines)
                continue
            if (self._instruction_tuned or self._chat) and suffix not in (".json", ".jsonl"):
                setting = "chat_dataset" if self._chat else "instruction_tuned"
                self._complain(name, f"{setting} needs .jsonl records; or set {setting} to False")
                continue
            self.files += 1
            if self._limits.get(name) == 0:
                continue
            with self._opened(name, content) as lines:
                yield from self._documents(lines, templates)

    def _complain(self, source: str, message: str, line: int | None = None) -> None:
        self.problems.append(Problem(source, line, message))

    @contextmanager
    def _opened(self, name: str, content: BinaryStream | Callable[[], BinaryStream]) -> Iterator[LineReader]:
        """The file's lines; closed afterwards if opened here. A file that cannot be read is a problem."""
        stream: BinaryStream | None = None
        try:
            stream = content() if callable(content) else content
            limit = self._limits.get(name)
            yield LineReader(name, stream if limit is None else Head(stream, limit), self.problems)
        except OSError as error:
            self._complain(name, f"cannot be read: {error.strerror or error}")
            if stream is None:
                yield LineReader(name, _EMPTY, self.problems)
        finally:
            if callable(content) and isinstance(stream, Closable):
                stream.close()

    def _documents(self, lines: LineReader, templates: dict[PurePosixPath, Template]) -> Iterator[Document]:
        path = PurePosixPath(lines.source)
        if self._chat:
            contents = self._dialogs(lines)
        elif self._instruction_tuned:
            template = templates.get(path.parent) or templates.get(PurePosixPath("."))
            contents = self._instructions(lines, template)
        else:
            texts = {".txt": self._txt, ".csv": self._csv}.get(path.suffix.lower(), self._json)(lines)
            contents = (Content(None, text) for text in texts)
        task = self._tasks.get(lines.source, "")
        for index, (number, text, prompt, turns) in enumerate(contents):
            document = Document(text, prompt, lines.source, index, task, turns)
            try:
                _ = document.size
            except UnicodeEncodeError:
                message = (
                    r"half a surrogate pair (\ud800 to \udfff alone) is no text; write the character itself"
                )
                self._complain(lines.source, message, number)
                continue
            yield document

    def _dialogs(self, lines: LineReader) -> Iterator[Content]:
        for number, record in self._records(lines):
            try:
                turns = turns_of(record if isinstance(record, dict) else {})
            except ValueError as error:
                self._complain(lines.source, str(error), number)
                continue
            yield Content(number, "\n".join(answer for _, answer in turns), turns[0][0], turns)

    def _instructions(self, lines: LineReader, template: Template | None) -> Iterator[Content]:
        for number, record in self._records(lines):
            if isinstance(record, str):
                self._complain(lines.source, "a bare string; instruction records are objects", number)
                continue
            try:
                chosen = template or default_template(record)
                prompt, completion = chosen.fill(record, demarcation=self._demarcation)
            except ValueError as error:
                self._complain(lines.source, str(error), number)
                continue
            yield Content(number, completion, prompt)

    def _records(self, lines: LineReader) -> Iterator[tuple[int | None, dict[str, Any] | str]]:
        return records(lines, lambda line, message: self._complain(lines.source, message, line))

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
                self._complain(name, message)
                continue
            with self._opened(name, content) as lines:
                text = "\n".join(line for _, line in lines)
            try:
                found[path.parent] = parse_template(text)
            except ValueError as error:
                self._complain(name, str(error))
        return found

    def _read_questions(self, lines: LineReader) -> None:
        for number, (line, record) in enumerate(self._records(lines), start=1):
            try:
                if isinstance(record, str):
                    raise ValueError("a bare string; write an object with `question` and `answer`")
                self.questions += questions_of(record, source=lines.source, number=number)
            except (ValueError, TypeError) as error:
                self._complain(lines.source, str(error), line)

    def _txt(self, lines: LineReader) -> Iterator[str]:
        rest = (text for _, text in lines)
        sample = _sample(rest)
        separated = blank_line_separated(sample)
        layout = "documents separated by blank lines" if separated else "a document a line"
        self.notes.append(f"{lines.source}: {layout}")
        texts = chain(sample, rest)
        if not separated:
            yield from (text for text in texts if text.strip())
            return
        for block in _blocks(texts):
            if len(block) > LONGEST_LINE_BYTES:
                message = (
                    f"a document is longer than {LONGEST_LINE_BYTES >> 20} MiB; break it with blank lines"
                )
                self._complain(lines.source, message)
                return
            yield block

    def _csv(self, lines: LineReader) -> Iterator[str]:
        csv.field_size_limit(LONGEST_LINE_BYTES)
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
                    self._complain(lines.source, message, rows.line_num)
        except csv.Error as error:
            if not lines.cut:
                message = f"not a valid CSV row: {error}; quote fields, and double quotes within them"
                self._complain(lines.source, message, rows.line_num)

    def _json(self, lines: LineReader) -> Iterator[str]:
        column: str | None = None
        for number, record in self._records(lines):
            if isinstance(record, str):
                yield record
                continue
            if column is None:
                column = next((name for name in TEXT_COLUMNS if name in record), next(iter(record), None))
                self.notes.append(f"{lines.source}: column {column!r}{_left_out(record, column)}")
            value = record.get(column) if column is not None else None
            if column == PARAGRAPHS and isinstance(value, list):
                value = "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
            if isinstance(value, str):
                yield value
            else:
                what = "is missing" if value is None else f"holds {type(value).__name__}"
                dialogs = "set chat_dataset to True, or " if column == "dialog" else ""
                message = (
                    f"column {column!r} {what}; {dialogs}give every record a `text` column with the text"
                )
                self._complain(lines.source, message, number)


def _left_out(record: Mapping[str, Any], column: str | None) -> str:
    """What of such records is not read, where somebody may think that it is."""
    if column == PARAGRAPHS:
        return f", tables and questions {LEFT_OUT}"
    if column != "text" and any(pair <= record.keys() for pair in ANSWERED):
        return f", the others {LEFT_OUT}; set instruction_tuned to True to learn what answers what"
    return ""


class _Empty:
    def read(self, size: int, /) -> bytes:
        return b""


_EMPTY = _Empty()


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


def _sample(lines: Iterator[str]) -> list[str]:
    """The first lines, in bounded memory."""
    taken: list[str] = []
    size = 0
    while len(taken) < DETECTION_LINES and size < DETECTION_CHARACTERS:
        line = next(lines, None)
        if line is None:
            break
        taken.append(line)
        size += len(line)
    return taken


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Lines between blank ones; what grows too long is given as it is by then, for the caller to refuse."""
    block: list[str] = []
    size = 0
    for line in chain(lines, [""]):
        if line.strip():
            block.append(line)
            size += len(line) + 1
        if block and (not line.strip() or size > LONGEST_LINE_BYTES + 1):
            yield "\n".join(block)
            block, size = [], 0
