"""Recognising the form of a file's records by the first of them.

What the settings say comes first (``text_column``, ``prompt_column`` with ``completion_column``,
``chat_dataset``, ``instruction_tuned``, a template.json); then the columns' names; then their content.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

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
from core.dataset.dialogs import DIALOG_COLUMNS, ROLES, marked_messages
from core.dataset.forms import PARAGRAPHS, Form, Row, UnknownForm
from core.dataset.lines import taken
from core.dataset.public_sets import set_of
from core.dataset.templates import TEMPLATE_NAME, Template, as_text
from core.hyperparameters import Hyperparameters

#: How many records, and how many characters of them, are looked at to recognise the form of all.
SAMPLE_RECORDS = 400
SAMPLE_CHARACTERS = 1 << 20

_NO_ANSWERS = "column {!r} is read as text: no column has answers to it; completion_column names one"
#: Columns of questions that are read as text, with a word of doubt, where there are no answers.
_QUESTIONS = ("instruction", "prompt", "question", "query", "input")


def recognised(
    rows: Iterator[Row], settings: Hyperparameters, template: Template | None
) -> tuple[Form | None, Iterator[Row]]:
    """The form of a file's records (None: there are none), and all of them.

    Raises UnknownForm, which says what to do.
    """
    sample, _ = taken(rows, SAMPLE_RECORDS, SAMPLE_CHARACTERS, _characters)
    if not sample:
        return None, iter(())
    return _Records([record for _, record in sample], settings, template).form(), chain(sample, rows)


def _characters(row: Row) -> int:
    texts = row[1].values() if isinstance(row[1], dict) else (row[1],)
    return sum(len(text) for text in texts if isinstance(text, str))


class _Records:
    """The first records of a file, and what the settings say of them. Its methods raise UnknownForm."""

    def __init__(
        self, records: Sequence[dict[str, Any] | str], settings: Hyperparameters, template: Template | None
    ) -> None:
        self.records, self.settings, self.template = records, settings, template
        self.tables = [record for record in records if isinstance(record, dict)]
        self.columns = tuple(dict.fromkeys(chain.from_iterable(self.tables)))
        self.by_key = {key_of(name): name for name in reversed(self.columns)}

    def form(self) -> Form:
        """The form of all."""
        if chosen := self._public() or self._by_settings():
            return chosen
        if not self.tables:
            return Form("dialogs", (), marked=True) if _are_marked(self.records) else Form("text", ())
        found = self._dialogs() or self._own_text()
        pair = self._pair()
        if pair and (found is None or self._repeats(found, pair)):
            found = pair
        return self._marked(found or self._text())

    def _public(self) -> Form | None:
        """The form of a public set that is learned as instructions; None where the settings name columns."""
        public = set_of(self.tables[0]) if self.tables else None
        if public is None or self.template or self.settings.text_column or self.settings.prompt_column:
            return None
        if self.settings.chat_dataset or not (public.instructions or self.settings.instruction_tuned):
            return None
        return Form("instructions", self.columns, self.columns, public=public)

    def _by_settings(self) -> Form | None:
        """The form that the settings ask for; None where they leave it open."""
        if self.settings.text_column:
            return self._marked(self._judged(self._named(self.settings.text_column)))
        if self.settings.prompt_column:
            asked = [self._named(name) for name in self.settings.prompt_column.split(",")]
            return self._checked_pair((*asked[1:], asked[0], self._named(self.settings.completion_column)))
        if self.settings.chat_dataset:
            return self._dialogs() or Form("dialogs", (), self.columns)
        if self.template is not None:
            missing = [
                name
                for name in self.template.placeholders
                if all(name in self.template.missing(t) for t in self.tables)
            ]
            if self.tables and missing:
                raise UnknownForm(
                    f"no record has {', '.join(missing)}, which {TEMPLATE_NAME} names; the columns are"
                    f" {listed(self.columns)}"
                )
            return Form("instructions", self.template.placeholders, self.columns, self.template)
        if self.settings.instruction_tuned:
            pair = self._pair() or self._half_pair()
            if pair is None and self.tables:
                raise UnknownForm(
                    f"the record lacks prompt, completion; its columns are {listed(self.columns)}. Name them"
                    " with prompt_column and completion_column, or write template.json beside the file:"
                    ' {"prompt": "{…}", "completion": "{…}"}'
                )
            return pair or Form("instructions", ("prompt", "completion"), self.columns)
        return None

    def _dialogs(self) -> Form | None:
        for name in (column for wanted in DIALOG_COLUMNS for column in self._called(wanted)):
            if any(isinstance(each.get(name), list) for each in self.tables):
                return Form("dialogs", (name,), self.columns)
        keys = self.by_key
        spoken = {"content", "text"} & keys.keys() and "role" in keys
        roles = {str(each.get(keys["role"])).lower() for each in self.tables} if spoken else set()
        if (spoken and roles <= ROLES.keys()) or {"from", "value"} <= keys.keys():
            raise UnknownForm(
                "each record is one message; put the messages of a dialog into one record:"
                ' {"dialog": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
            )
        return None

    def _repeats(self, found: Form, pair: Form) -> bool:
        """Whether a column of text only writes out the question and answer of a pair, as Alpaca's does."""
        if found.kind != "text" or found.columns == (PARAGRAPHS,):
            return False
        return all(
            as_text(each.get(name)) in as_text(each.get(found.columns[0]))
            for each in self.tables
            for name in pair.columns[-2:]
        )

    def _own_text(self) -> Form | None:
        """The column named text, where it holds anything; reports' paragraphs."""
        for name in self._called("text"):
            if any(each.get(name) not in (None, "") for each in self.tables):
                return self._judged(name)
        lists = any(
            isinstance(part, dict) and "text" in part
            for t in self.tables
            for part in _parts(t.get(PARAGRAPHS))
        )
        return Form("text", (PARAGRAPHS,), self.columns) if lists else None

    def _pair(self) -> Form | None:
        keys = self.by_key
        for question, answers in ANSWERS.items():
            answer = next((keys[name] for name in answers if name in keys), None)
            if question in keys and answer is not None:
                others = [name for name in CONTEXTS if name not in (question, key_of(answer))]
                context = [keys[name] for name in others if name in keys]
                filled = [
                    name
                    for name in context
                    if any(each.get(name) not in (None, "", []) for each in self.tables)
                ]
                # JumpStart's own template has a place for the input, whether there is one or not
                kept = (filled or context)[:1] if question == "instruction" else filled[:1]
                return self._checked_pair((*kept, keys[question], answer))
        return None

    def _half_pair(self) -> Form | None:
        """The form of questions whose answers are missing, so that each record is reported."""
        for question, answers in ANSWERS.items():
            if question in self.by_key:
                return Form("instructions", (self.by_key[question], answers[0]), self.columns)
        return None

    def _checked_pair(self, taken: tuple[str, ...]) -> Form:
        answers = [as_text(each.get(taken[-1])) for each in self.tables]
        if len(answers) >= FEWEST_VALUES and len(set(answers)) == 1:
            raise UnknownForm(
                f"column {taken[-1]!r} holds the same in every record, so nothing would be learned; name the"
                f" column with the answers: completion_column (of {listed(self.columns)})"
            )
        return Form("instructions", taken, self.columns)

    def _text(self) -> Form:
        """The column of text by its name, else by what stands in it."""
        if not self.columns:
            return Form("text", ("text",))
        for wanted in (*TEXT_COLUMNS, *_QUESTIONS):
            for name in self._called(wanted):
                if prose(name, self.tables):
                    doubt = _NO_ANSWERS.format(name) if wanted in _QUESTIONS else ""
                    return Form("text", (name,), self.columns, doubt=doubt)
        likely = max(self.columns, key=lambda name: prose(name, self.tables))
        if not prose(likely, self.tables):
            return self._judged(self.columns[0])
        if holds_names(texts_of(likely, self.tables)):
            raise UnknownForm(
                f"no column holds text: {likely!r}, the nearest to it, has names or single words; name the"
                f" column with the text: text_column (of {listed(self.columns)})"
            )
        doubt = (
            f"no column is named text; {likely!r} is read, which holds the most of it; text_column names"
            " another"
        )
        return Form("text", (likely,), self.columns, doubt=doubt if len(self.columns) > 1 else "")

    def _judged(self, name: str) -> Form:
        """The form of text in one column; what would teach nonsense is refused."""
        why = why_no_text(texts_of(name, self.tables))
        if why:
            raise UnknownForm(
                f"column {name!r} holds {why}, and no text; name the column with the text: text_column"
                f" (of {listed(self.columns)})"
            )
        return Form("text", (name,), self.columns)

    def _marked(self, form: Form) -> Form:
        """A form of dialogs instead, where each text of the column is a dialog with marks."""
        if (
            form.kind == "text"
            and form.columns
            and _are_marked([t.get(form.columns[0]) for t in self.tables])
        ):
            return Form("dialogs", form.columns, form.all_columns, marked=True)
        return form

    def _called(self, key: str) -> list[str]:
        """The columns of that name, whatever their case and separators."""
        return [name for name in self.columns if key_of(name) == key]

    def _named(self, wanted: str) -> str:
        """The column that a setting names. Raises UnknownForm."""
        wanted = wanted.strip()
        found = wanted if wanted in self.columns else self.by_key.get(key_of(wanted))
        if found is None:
            raise UnknownForm(f"there is no column {wanted!r}; the columns are {listed(self.columns)}")
        return found


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _are_marked(texts: Sequence[Any]) -> bool:
    return bool(texts) and all(isinstance(text, str) and marked_messages(text) for text in texts)
