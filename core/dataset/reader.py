"""Reading a dataset: a file is decoded, its layout and form are recognised, its documents come as a stream.

- ``.txt``: a document a line, documents separated by blank lines, or wrapped lines that are joined
  (:mod:`core.dataset.plain_text`).
- ``.csv``, ``.tsv``, ``.json``, ``.jsonl``: records (:mod:`core.dataset.tables`,
  :mod:`core.dataset.json_records`) of text, of instructions or of dialogs (:mod:`core.dataset.forms`).
- instruction tuning: records put into ``template.json`` ``{"prompt", "completion"}``.

Files of questions hold no documents, but what the models are examined on: ``Reader.questions``.

A dataset is one such file or a folder of them; other files are named in ``Reader.notes``.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import PurePosixPath

from core.dataset import json_records, tables
from core.dataset.columns import is_usual_name
from core.dataset.documents import Document, Problem
from core.dataset.forms import Content, Form, Row, UnknownForm
from core.dataset.lines import LONGEST_LINE_BYTES, BinaryStream, Head, LineReader
from core.dataset.plain_text import documents, layout_of, read_sample
from core.dataset.public_sets import summaries
from core.dataset.question_files import questions_in
from core.dataset.questions import Question, holds_questions, opened, questions_of
from core.dataset.recognising import recognised
from core.dataset.sources import (
    RECORDS,
    Side,
    Source,
    Stream,
    side_column_of,
    side_of,
    side_of_key,
    tasks_of,
    why_left_out,
)
from core.dataset.templates import TEMPLATE_NAME, Template, parse_template
from core.hyperparameters import Hyperparameters
from core.marks import MARK

LEFT_OUT = "left out"
_RECIPE = Hyperparameters()
#: Marks of a text's start and of its end; the trainer adds the base's own.
_FIRST_MARKS = re.compile(r"\s*(?:(?:<s>|<bos>|<\|begin_of_text\|>)\s*)+")
_LAST_MARKS = re.compile(r"(?:\s*(?:</s>|<eos>|<\|end_of_text\|>|<\|endoftext\|>|<\|eot_id\|>))+\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """How one file was read. ``form``: "text", "instructions" or "dialogs"; ``columns``: those taken;
    ``layout``: how its records or documents stand in it; ``separator`` of a table, else ""."""

    file: str
    form: str
    layout: str
    columns: tuple[str, ...] = ()
    separator: str = ""
    encoding: str = "UTF-8"
    sentence: str = ""

    def __str__(self) -> str:
        encoding = "" if self.encoding == "UTF-8" else f"; {self.encoding}"
        return f"{self.file}: {self.sentence or self.layout}{encoding}"


class Reader:
    """Reads a dataset's documents once, in order, in bounded memory.

    While and after iterating, ``problems`` has what could not be used, ``understood`` how each file was read,
    ``doubts`` what a person should look at, ``read`` the names of the files that held documents' text, and
    ``questions`` those of its files of questions.

    ``tasks`` says what each file teaches, by default what the sources say (:func:`tasks_of`).
    ``limits``: of a file named here only this many bytes are read. ``side``: which of the lists ``train``,
    ``validation`` in one JSON object is read; a list ``test`` never is.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        hyperparameters: Hyperparameters = _RECIPE,
        *,
        tasks: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        side: Side = "training",
    ) -> None:
        self._sources = list(sources)
        self._settings = hyperparameters
        self._tasks = tasks_of(self._sources) if tasks is None else tasks
        self._limits = limits or {}
        self._side = side
        self.problems: list[Problem] = []
        self.understood: list[Understood] = []
        self.doubts: list[str] = []
        self.questions: list[Question] = []
        self.read: list[str] = []
        self._used_templates: set[PurePosixPath] = set()

    @property
    def notes(self) -> list[str]:
        """How each file was read, and which were left out, a line each."""
        left_out = [f"{name}: {LEFT_OUT}, {why}" for name, _ in self._sources if (why := why_left_out(name))]
        return [*left_out, *map(str, self.understood)]

    def __iter__(self) -> Iterator[Document]:
        templates = self._templates()
        contents = dict(self._sources)
        calls = summaries(list(contents))
        for name, content in self._sources:
            if why_left_out(name) is not None or name in calls.values():
                continue
            path = PurePosixPath(name)
            if name in calls:
                yield from self._call(name, content, calls[name], contents[calls[name]])
                continue
            if holds_questions(name):
                with self._opened(name, content) as lines:
                    self._ask(lines)
                continue
            self.read.append(name)
            if self._limits.get(name) == 0:
                continue
            with self._opened(name, content) as lines:
                folder = path.parent if path.parent in templates else PurePosixPath(".")
                yield from self._documents(lines, templates.get(folder))
                self._used_templates.add(folder)
        if not self._settings.instruction_tuned:
            for folder in templates.keys() - self._used_templates:
                message = (
                    "a template, but instruction_tuned is False and no records lie beside it; take it away"
                )
                self._complain(str(folder / TEMPLATE_NAME), message)

    def _call(self, name: str, transcript: Stream, summary_name: str, summary: Stream) -> Iterator[Document]:
        """An earnings call of ECTSum with its summary: a question, or a document to learn."""
        parts = []
        for source, stream in ((name, transcript), (summary_name, summary)):
            with self._opened(source, stream) as lines:
                parts.append("\n".join(text for _, text in lines).strip())
        record = {"id": PurePosixPath(name).stem, "ects": parts[0], "gt_summaries": parts[1]}
        try:
            (question,) = questions_of(record, source=name, number=1)
        except ValueError as error:
            self._complain(name, str(error))
            return
        if holds_questions(name):
            self.questions.append(question)
            return
        self.read.append(name)
        prompt, answer = question.as_instruction()
        yield Document(answer, prompt, name, 0, self._tasks.get(name, ""))

    def _complain(self, source: str, message: str, line: int | None = None) -> None:
        self.problems.append(Problem(source, line, message))

    @contextmanager
    def _opened(self, name: str, content: Stream) -> Iterator[LineReader]:
        """The file's lines; closed afterwards if opened here. A file that cannot be read is a problem."""
        with ExitStack() as opened:
            stream: BinaryStream | None = None
            try:
                stream = opened.enter_context(closing(content())) if callable(content) else content
                limit = self._limits.get(name)
                yield LineReader(name, stream if limit is None else Head(stream, limit), self.problems)
            except OSError as error:
                self._complain(name, f"cannot be read: {error.strerror or error}")
                if stream is None:
                    yield LineReader(name, io.BytesIO(), self.problems)

    def _documents(self, lines: LineReader, template: Template | None) -> Iterator[Document]:
        suffix = PurePosixPath(lines.source).suffix.lower()
        if suffix == ".txt" and json_records.are_objects(lines):
            suffix = ".jsonl"
        contents = self._records(lines, suffix, template) if suffix in RECORDS else self._plain(lines)
        task = self._tasks.get(lines.source, "")
        marked = 0
        for index, (line, text, prompt, turns, messages, group) in enumerate(contents):
            if ("<" in text or "[" in text) and MARK.search(text):
                marked += 1
                text = _LAST_MARKS.sub("", _FIRST_MARKS.sub("", text, count=1))
            document = Document(text, prompt, lines.source, index, task, turns, messages, group)
            try:
                _ = document.size
            except UnicodeEncodeError:
                message = (
                    r"half a surrogate pair (\ud800 to \udfff alone) is no text; write the character itself"
                )
                self._complain(lines.source, message, line)
                continue
            yield document
        if marked:
            self.doubts.append(
                f"{lines.source}: {marked} texts hold a model's marks, such as <s> or <|im_end|>: those at"
                " the ends are taken off (training adds the base's own), the others are plain characters"
            )

    def _plain(self, lines: LineReader) -> Iterator[Content]:
        settings = self._settings
        if settings.instruction_tuned or settings.chat_dataset:
            setting = "chat_dataset" if settings.chat_dataset else "instruction_tuned"
            self._complain(lines.source, f"{setting} needs .jsonl records; or set {setting} to False")
            return
        rest = (text for _, text in lines)
        sample = read_sample(rest)
        layout = layout_of(sample)
        for text in documents(chain(sample, rest), layout):
            if len(text) > LONGEST_LINE_BYTES:
                size = f"{LONGEST_LINE_BYTES >> 20} MiB"
                self._complain(lines.source, f"a document is longer than {size}; break it with blank lines")
                break
            yield Content(None, text)
        self._understand(Understood(file=lines.source, form="text", layout=str(layout)), lines)
        if layout.width and not layout.separated:
            self.doubts.append(
                f"{lines.source}: the lines are wrapped without blank lines between documents, so each"
                " paragraph is one, as far as a short last line shows its end; put blank lines between"
            )

    def _records(self, lines: LineReader, suffix: str, template: Template | None) -> Iterator[Content]:
        """The contents of a file of records. Its first records decide the form of all."""

        separator, layout, extra = "", "JSON", ""
        try:
            if suffix in (".csv", ".tsv"):
                shape, columns, found = tables.records(lines, names=self._names_column)
                rows: Iterator[Row] = ((line, opened(row)) for line, row in found)
                if shape is None:
                    return
                separator, layout = shape.separator, "a table"
                name = tables.SEPARATOR_NAMES.get(separator, repr(separator))
                extra = "" if separator == "," or len(columns) == 1 else f", separated by {name}s"
                if not shape.header:
                    extra += ", the first line is no header"
            else:
                rows = json_records.records(lines, takes=self._takes)
            form, rows = recognised(rows, self._settings, template)
            if form is None:
                return
            yield from self._contents(lines, rows, form)
            understood = Understood(
                file=lines.source,
                form=form.kind,
                layout=layout,
                columns=form.columns,
                separator=separator,
                sentence=f"{form}{extra}",
            )
            self._understand(understood, lines)
            if form.doubt or "no header" in extra:
                self.doubts.append(f"{lines.source}: {form.doubt or extra.lstrip(', ')}; {form}")
        except UnknownForm as error:
            lines.complain(None, str(error))
        except tables.BrokenTable as error:
            if not lines.cut:
                lines.complain(error.line, str(error))

    def _contents(self, lines: LineReader, rows: Iterator[Row], form: Form) -> Iterator[Content]:
        demarcation = self._settings.add_input_output_demarcation_key
        side_column = side_column_of(form.all_columns)
        elsewhere: Counter[str] = Counter()
        for line, record in rows:
            side = side_of(record, side_column)
            if side != "training":
                elsewhere[side] += 1
                continue
            try:
                yield from form.contents(line, record, demarcation=demarcation)
            except ValueError as error:
                lines.complain(line, str(error))
        for name, count in elsewhere.items():
            remedy = "is never trained on" if name == "test" else "goes into a file named validation"
            self.doubts.append(
                f"column {side_column!r}: {count} rows are {LEFT_OUT}, the {name} side {remedy}"
            )

    def _understand(self, understood: Understood, lines: LineReader) -> None:
        self.understood.append(replace(understood, encoding=lines.encoding))

    def _takes(self, key: str) -> bool:
        """Whether the list under this key of a JSON object belongs to the side that is read."""
        side = side_of_key(key)
        note = f"the list {key!r} is {LEFT_OUT}: a test side is never trained on"
        if side == "test" and note not in self.doubts:
            self.doubts.append(note)
        return side is None or side == self._side

    def _names_column(self, cell: str) -> bool:
        settings = self._settings
        stated = (settings.text_column, settings.completion_column, *settings.prompt_column.split(","))
        return is_usual_name(cell) or (bool(cell.strip()) and cell.strip() in stated)

    def _templates(self) -> dict[PurePosixPath, Template]:
        """Each folder's template; JumpStart's place is beside the records."""
        found: dict[PurePosixPath, Template] = {}
        for name, content in self._sources:
            path = PurePosixPath(name)
            if path.name == TEMPLATE_NAME:
                try:
                    found[path.parent] = self._template(name, content)
                except ValueError as error:
                    self._complain(name, str(error))
        return found

    def _template(self, name: str, content: Stream) -> Template:
        """The template in a file. Raises ValueError where it cannot be used."""
        if self._settings.chat_dataset:
            raise ValueError(
                "a template, but chat_dataset is True; set it to False or take the template away"
            )
        others = (PurePosixPath(other) for other, _ in self._sources if other != name)
        if not self._settings.instruction_tuned and not any(o.suffix.lower() in RECORDS for o in others):
            raise ValueError(
                "a template, but instruction_tuned is False and there are no records; take it away"
            )
        with self._opened(name, content) as lines:
            return parse_template("\n".join(line for _, line in lines))

    def _ask(self, lines: LineReader) -> None:
        asked = questions_in(lines)
        self.questions += asked.questions
        if asked.questions:
            form = Understood(file=lines.source, form="questions", layout="records", sentence=str(asked))
            self._understand(form, lines)
