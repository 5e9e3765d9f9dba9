"""Recognising what a file's records are: text, instructions or dialogs, and which columns hold them.

What the settings say comes first (``text_column``, ``prompt_column`` with ``completion_column``,
``chat_dataset``, ``instruction_tuned``, a template.json); then the columns' names; then their content.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal, NamedTuple

from core.dataset.columns import (
    ANSWERS,
    CONTEXTS,
    FEWEST_VALUES,
    TEXT_COLUMNS,
    holds_names,
    key_of,
    listed,
    prose,
    texts_of,
    why_no_text,
)
from core.dataset.dialogs import DIALOG_COLUMNS, ROLES, marked_messages, messages_of, turns_of
from core.dataset.documents import Message, Turn
from core.dataset.public_sets import PublicSet, set_of
from core.dataset.questions import questions_of
from core.dataset.templates import DEMARCATION, TEMPLATE_NAME, Template, as_text
from core.hyperparameters import Hyperparameters

Row = tuple[int | None, dict[str, Any] | str]
Kind = Literal["text", "instructions", "dialogs"]

#: How many records, and how many characters of them, are looked at to recognise the form of all.
SAMPLE_RECORDS = 400
SAMPLE_CHARACTERS = 1 << 20

PARAGRAPHS = "paragraphs"
GROUP_COLUMN = "group"
_NO_ANSWERS = "column {!r} is read as text: no column has answers to it; completion_column names one"
#: Columns of questions that are read as text, with a word of doubt, where there are no answers.
_QUESTIONS = ("instruction", "prompt", "question", "query", "input")
_JUMPSTART_PROMPT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. Write"
    " a response that appropriately completes the request.\n\n### Instruction:\n{}\n\n### Input:\n{}"
)


class Content(NamedTuple):
    """The content of one record or text, before its place among the file's documents is known.

    ``line`` counts from 1; None where lines mean nothing.
    """

    line: int | None
    text: str
    prompt: str | None = None
    turns: tuple[Turn, ...] = ()
    messages: tuple[Message, ...] = ()
    group: str = ""


class UnknownForm(ValueError):
    """The records of a file cannot be used as they are; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one file's records. ``columns`` are those taken, the answer's last; ``doubt`` is what a
    reader should look at."""

    kind: Kind
    columns: tuple[str, ...]
    all_columns: tuple[str, ...] = ()
    template: Template | None = None
    marked: bool = False
    doubt: str = ""
    public: PublicSet | None = None

    def __str__(self) -> str:
        if self.public is not None:
            return f"instructions: the questions of {self.public.name} (licence: {self.public.licence})"
        others = [name for name in self.all_columns if name not in self.columns]
        beside = f" (of {listed(self.all_columns)})" if others else ""
        if self.kind == "dialogs":
            where = f" in column {self.columns[0]!r}" if self.columns else ""
            return f"dialogs{where}, written with marks" if self.marked else f"dialogs{where}"
        if self.template is not None:
            return f"instructions by {TEMPLATE_NAME}, columns {listed(self.columns)}"
        if self.kind == "instructions":
            return (
                f"instructions: prompt {listed(self.columns[:-1])}, completion {self.columns[-1]!r}{beside}"
            )
        if self.columns == (PARAGRAPHS,):
            return f"column {PARAGRAPHS!r}, tables and questions left out"
        return f"column {self.columns[0]!r}{beside}" if self.columns else "a text a record"

    def contents(
        self, line: int | None, record: Mapping[str, Any] | str, *, demarcation: bool
    ) -> Iterator[Content]:
        """What a record holds; one of a public set may hold several questions. Raises ValueError with what to
        write."""
        if self.public is None or isinstance(record, str):
            content = self._content(line, record, demarcation=demarcation)
            yield content if isinstance(record, str) else content._replace(group=self._group(record))
            return
        for question in questions_of(record, source="", number=line or 0):
            prompt, answer = question.as_instruction()
            yield Content(line, answer, prompt + DEMARCATION * demarcation, group=question.group)

    def _group(self, record: Mapping[str, Any]) -> str:
        """The value of the record's column `group`, which documents from one source share."""
        name = next((column for column in self.all_columns if key_of(column) == GROUP_COLUMN), None)
        value = None if name is None or name in self.columns else record.get(name)
        return "" if value is None else str(value).strip()

    def _content(self, line: int | None, record: Mapping[str, Any] | str, *, demarcation: bool) -> Content:
        if self.kind == "dialogs":
            return self._dialog(line, record)
        if isinstance(record, str):
            if self.kind == "instructions":
                raise ValueError("a bare string; instruction records are objects")
            return Content(line, record)
        if self.template is not None:
            prompt, completion = self.template.fill(record, demarcation=demarcation)
            return Content(line, completion, prompt)
        if self.kind == "instructions":
            prompt, completion = self._pair(record, DEMARCATION if demarcation else "")
            return Content(line, completion, prompt)
        return Content(line, self._text(record))

    def _dialog(self, line: int | None, record: Mapping[str, Any] | str) -> Content:
        if self.marked:
            text = record if isinstance(record, str) else record.get(self.columns[0])
            messages = marked_messages(text) if isinstance(text, str) else None
            if messages is None:
                raise ValueError("this text has no dialog with marks, as the others of its file have")
        else:
            messages = messages_of(record if isinstance(record, Mapping) else {}, *self.columns)
        turns = turns_of(messages)
        return Content(line, "\n".join(answer for _, answer in turns), turns[0][0], turns, messages)

    def _pair(self, record: Mapping[str, Any], mark: str) -> tuple[str, str]:
        *asked, answer = self.columns
        lacking = [name for name in (asked[-1], answer) if record.get(name) is None]
        if lacking:
            there = f"it has {listed(record)}"
            raise ValueError(
                f"the record lacks {', '.join(lacking)}; {there}. Give it, or take the record out"
            )
        question, context = as_text(record[asked[-1]]), as_text(record.get(asked[0])) if asked[1:] else ""
        if key_of(asked[-1]) == "instruction" and asked[1:]:
            prompt = _JUMPSTART_PROMPT.format(question, context)
        else:
            prompt = f"{context}\n\n{question}" if context.strip() else question
        value = record[answer]
        if isinstance(value, Mapping) and isinstance(value.get("text"), list):
            value = value["text"]  # SQuAD's answers
        if isinstance(value, list) and value and key_of(answer) == "answers":
            value = value[0]
        return prompt + mark, as_text(value)

    def _text(self, record: Mapping[str, Any]) -> str:
        column = self.columns[0]
        value = record.get(column)
        if column == PARAGRAPHS and isinstance(value, list):
            return "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
        if value is None and column in record:
            return ""  # null: an empty document, which is counted and left out
        if not isinstance(value, str):
            what = "is missing" if value is None else f"holds {type(value).__name__}"
            raise ValueError(
                f"column {column!r} {what}; give every record a `text` column with the text, or write"
                " template.json for questions and answers, with placeholders such as {qa[question]}"
            )
        return value


def recognised(
    rows: Iterator[Row], settings: Hyperparameters, template: Template | None
) -> tuple[Form | None, Iterator[Row]]:
    """The form of a file's records (None: there are none), and all of them. Raises UnknownForm."""
    sample: list[Row] = []
    size = 0
    for row in rows:
        sample.append(row)
        size += (
            len(row[1])
            if isinstance(row[1], str)
            else sum(len(v) for v in row[1].values() if isinstance(v, str))
        )
        if len(sample) >= SAMPLE_RECORDS or size >= SAMPLE_CHARACTERS:
            break
    if not sample:
        return None, iter(())
    return form_of([record for _, record in sample], settings, template), chain(sample, rows)


def form_of(
    records: Sequence[dict[str, Any] | str], settings: Hyperparameters, template: Template | None
) -> Form:
    """Recognise the form of records by the first of them. Raises UnknownForm, which says what to do."""
    tables = [record for record in records if isinstance(record, dict)]
    columns = tuple(dict.fromkeys(chain.from_iterable(tables)))
    chosen = _public(tables, columns, settings, template) or _by_settings(tables, columns, settings, template)
    if chosen:
        return chosen
    if not tables:
        return Form("dialogs", (), marked=True) if _are_marked(records) else Form("text", ())
    found = _dialogs(tables, columns) or _own_text(tables, columns)
    pair = _pair(tables, columns)
    if pair and (found is None or _repeats(found, pair, tables)):
        found = pair
    return _marked(found or _text(tables, columns), tables)


def _public(
    tables: list[dict[str, Any]],
    columns: tuple[str, ...],
    settings: Hyperparameters,
    template: Template | None,
) -> Form | None:
    """The form of a public set that is learned as instructions; None where the settings name columns."""
    public = set_of(tables[0]) if tables else None
    if public is None or template is not None or settings.text_column or settings.prompt_column:
        return None
    if settings.chat_dataset or not (public.instructions or settings.instruction_tuned):
        return None
    return Form("instructions", columns, columns, public=public)


def _by_settings(
    tables: list[dict[str, Any]],
    columns: tuple[str, ...],
    settings: Hyperparameters,
    template: Template | None,
) -> Form | None:
    """The form that the settings ask for; None where they leave it open."""
    if settings.text_column:
        return _marked(_judged(_named(settings.text_column, columns), tables, columns), tables)
    if settings.prompt_column:
        asked = [_named(name, columns) for name in settings.prompt_column.split(",")]
        return _checked_pair(
            (*asked[1:], asked[0], _named(settings.completion_column, columns)), tables, columns
        )
    if settings.chat_dataset:
        return _dialogs(tables, columns) or Form("dialogs", (), columns)
    if template is not None:
        missing = [name for name in template.placeholders if all(name in template.missing(t) for t in tables)]
        if tables and missing:
            raise UnknownForm(
                f"no record has {', '.join(missing)}, which {TEMPLATE_NAME} names; the columns are"
                f" {listed(columns)}"
            )
        return Form("instructions", template.placeholders, columns, template)
    if settings.instruction_tuned:
        pair = _pair(tables, columns) or _half_pair(columns)
        if pair is None and tables:
            raise UnknownForm(
                f"the record lacks prompt, completion; its columns are {listed(columns)}. Name them with"
                " prompt_column and completion_column, or write template.json beside the file:"
                ' {"prompt": "{…}", "completion": "{…}"}'
            )
        return pair or Form("instructions", ("prompt", "completion"), columns)
    return None


def _dialogs(tables: list[dict[str, Any]], columns: tuple[str, ...]) -> Form | None:
    for name in (column for wanted in DIALOG_COLUMNS for column in columns if key_of(column) == wanted):
        if any(isinstance(each.get(name), list) for each in tables):
            return Form("dialogs", (name,), columns)
    keys = {key_of(name): name for name in columns}
    spoken = {"content", "text"} & keys.keys() and "role" in keys
    roles = {str(each.get(keys["role"])).lower() for each in tables} if spoken else set()
    if (spoken and roles <= ROLES.keys()) or {"from", "value"} <= keys.keys():
        raise UnknownForm(
            "each record is one message; put the messages of a dialog into one record:"
            ' {"dialog": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
        )
    return None


def _repeats(found: Form, pair: Form, tables: list[dict[str, Any]]) -> bool:
    """Whether a column of text only writes out the question and answer of a pair, as Alpaca's does."""
    if found.kind != "text" or found.columns == (PARAGRAPHS,):
        return False
    return all(
        as_text(each.get(name)) in as_text(each.get(found.columns[0]))
        for each in tables
        for name in pair.columns[-2:]
    )


def _own_text(tables: list[dict[str, Any]], columns: tuple[str, ...]) -> Form | None:
    """The column named text, where it holds anything; reports' paragraphs."""
    for name in columns:
        if key_of(name) == "text" and any(each.get(name) not in (None, "") for each in tables):
            return _judged(name, tables, columns)
    lists = any(
        isinstance(part, dict) and "text" in part for t in tables for part in _parts(t.get(PARAGRAPHS))
    )
    return Form("text", (PARAGRAPHS,), columns) if lists else None


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _pair(tables: list[dict[str, Any]], columns: tuple[str, ...]) -> Form | None:
    by_key = {key_of(name): name for name in reversed(columns)}
    for question, answers in ANSWERS.items():
        answer = next((by_key[name] for name in answers if name in by_key), None)
        if question in by_key and answer is not None:
            context = [
                by_key[name] for name in CONTEXTS if name in by_key and name not in (question, key_of(answer))
            ]
            filled = [
                name for name in context if any(each.get(name) not in (None, "", []) for each in tables)
            ]
            # JumpStart's own template has a place for the input, whether there is one or not
            kept = (filled or context)[:1] if question == "instruction" else filled[:1]
            return _checked_pair((*kept, by_key[question], answer), tables, columns)
    return None


def _half_pair(columns: tuple[str, ...]) -> Form | None:
    """The form of questions whose answers are missing, so that each record is reported."""
    for question, answers in ANSWERS.items():
        for name in columns:
            if key_of(name) == question:
                return Form("instructions", (name, answers[0]), columns)
    return None


def _checked_pair(taken: tuple[str, ...], tables: list[dict[str, Any]], columns: tuple[str, ...]) -> Form:
    answers = [as_text(each.get(taken[-1])) for each in tables]
    if len(answers) >= FEWEST_VALUES and len(set(answers)) == 1:
        raise UnknownForm(
            f"column {taken[-1]!r} holds the same in every record, so nothing would be learned; name the"
            f" column with the answers: completion_column (of {listed(columns)})"
        )
    return Form("instructions", taken, columns)


def _text(tables: list[dict[str, Any]], columns: tuple[str, ...]) -> Form:
    """The column of text by its name, else by what stands in it."""
    if not columns:
        return Form("text", ("text",))
    for wanted in (*TEXT_COLUMNS, *_QUESTIONS):
        for name in columns:
            if key_of(name) == wanted and not why_no_text(texts_of(name, tables)) and prose(name, tables):
                form = _judged(name, tables, columns)
                return replace(form, doubt=_NO_ANSWERS.format(name)) if wanted in _QUESTIONS else form
    likely = max(columns, key=lambda name: prose(name, tables))
    if not prose(likely, tables):
        return _judged(columns[0], tables, columns)
    form = _judged(likely, tables, columns)
    if holds_names(texts_of(likely, tables)):
        raise UnknownForm(
            f"no column holds text: {likely!r}, the nearest to it, has names or single words; name the column"
            f" with the text: text_column (of {listed(columns)})"
        )
    if len(columns) == 1:
        return form
    doubt = (
        f"no column is named text; {likely!r} is read, which holds the most of it; text_column names another"
    )
    return Form("text", (likely,), columns, doubt=doubt)


def _judged(name: str, tables: list[dict[str, Any]], columns: tuple[str, ...]) -> Form:
    """The form of text in one column; what would teach nonsense is refused."""
    why = why_no_text(texts_of(name, tables))
    if why:
        raise UnknownForm(
            f"column {name!r} holds {why}, and no text; name the column with the text: text_column"
            f" (of {listed(columns)})"
        )
    return Form("text", (name,), columns)


def _marked(form: Form, tables: list[dict[str, Any]]) -> Form:
    """A form of dialogs instead, where each text of the column is a dialog with marks."""
    if form.kind == "text" and form.columns and _are_marked([t.get(form.columns[0]) for t in tables]):
        return Form("dialogs", form.columns, form.all_columns, marked=True)
    return form


def _are_marked(texts: Sequence[Any]) -> bool:
    return bool(texts) and all(isinstance(text, str) and marked_messages(text) for text in texts)


def _named(wanted: str, columns: tuple[str, ...]) -> str:
    """The column that a setting names. Raises UnknownForm."""
    wanted = wanted.strip()
    found = wanted if wanted in columns else next((n for n in columns if key_of(n) == key_of(wanted)), None)
    if found is None:
        raise UnknownForm(f"there is no column {wanted!r}; the columns are {listed(columns)}")
    return found
