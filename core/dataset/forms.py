"""The forms of a file's records: text, instructions or dialogs, and what each record holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from core.dataset.columns import key_of, listed
from core.dataset.dialogs import marked_messages, messages_of, turns_of
from core.dataset.documents import Message, Turn
from core.dataset.public_sets import PublicSet
from core.dataset.questions import questions_of
from core.dataset.templates import DEMARCATION, TEMPLATE_NAME, Template, as_text

Row = tuple[int | None, dict[str, Any] | str]
Kind = Literal["text", "instructions", "dialogs"]

PARAGRAPHS = "paragraphs"
GROUP_COLUMN = "group"
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
