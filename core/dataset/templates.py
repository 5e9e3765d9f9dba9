"""Instruction tuning's template.json: how a record becomes prompt and completion, as str.format does it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

TEMPLATE_NAME = "template.json"
#: Stands between prompt and completion where add_input_output_demarcation_key is set (JumpStart's key).
DEMARCATION = "\n\n### Response:\n"

#: A format after a colon, such as ``,.2f``; wider ones would fill the memory.
_SPECIFICATION = re.compile(r"(?:.?[<>=^])?[-+ ]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[bcdeEfFgGnosxX%]?")
#: A placeholder's column and what is looked up in its value: ``meta[ticker]``, ``tags[0]``, ``meta.ticker``.
_FIELD = re.compile(r"([^.\[]*)((?:\.[^.\[]+|\[[^\]]+\])*)")
_KEY = re.compile(r"\.([^.\[]+)|\[([^\]]+)\]")
#: (text before it, name of the field or None, its format, its conversion), as string.Formatter parses.
_Piece = tuple[str, str | None, str, str | None]
_MISSING = object()


def as_text(value: Any) -> str:
    """A record's value as the model shall see it: text as it is, nothing for null, all else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Template:
    """Two texts with ``{column}`` placeholders, as `parse_template` took them apart."""

    prompt: tuple[_Piece, ...]
    completion: tuple[_Piece, ...]

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The fields of prompt and completion, each once."""
        return tuple(_names((*self.prompt, *self.completion)))

    def missing(self, record: Mapping[str, Any]) -> list[str]:
        """The placeholders for which a record has no column."""
        return [name for name in self.placeholders if _value(record, name) is _MISSING]

    def fill(self, record: Mapping[str, Any], *, demarcation: bool) -> tuple[str, str]:
        """Prompt and completion of a record; null is empty.

        Raises ValueError naming the columns without which there is nothing to ask or to answer.
        """
        lacking = [n for n in _names(self.completion) if _value(record, n) in (None, _MISSING)]
        asked = _names(self.prompt)
        if all(_value(record, name) in (None, _MISSING) for name in asked):
            lacking = [*asked, *lacking]
        if lacking:
            raise ValueError(
                f"the record lacks {', '.join(dict.fromkeys(lacking))}; in {TEMPLATE_NAME} name columns that"
                " all have"
            )
        prompt, completion = (_filled(each, record) for each in (self.prompt, self.completion))
        return (prompt + DEMARCATION if demarcation else prompt), completion


def parse_template(text: str) -> Template:
    """Read template.json. Raises ValueError with what to write."""
    wanted = 'write {"prompt": "… {column} …", "completion": "{column}"}'
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON ({error}); {wanted}") from None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(k), str) for k in ("prompt", "completion")
    ):
        raise ValueError(f"prompt or completion is missing; {wanted}")
    template = Template(*(tuple(_pieces(content[part])) for part in ("prompt", "completion")))
    for part, pieces in (("prompt", template.prompt), ("completion", template.completion)):
        if not _names(pieces):
            raise ValueError(f"the {part} has no {{column}}, so every record would teach the same; {wanted}")
    return template


def _pieces(text: str) -> Iterator[_Piece]:
    remedy = "write {column} for a column, {{ and }} for braces"
    try:
        for before, name, form, conversion in Formatter().parse(text):
            if name is not None:
                if not name.strip():
                    raise ValueError("a placeholder has no name")
                if not _SPECIFICATION.fullmatch(form or ""):
                    raise ValueError(f"the format {(form or '')[:40]!r} of {{{name}}} cannot be used")
                if conversion not in (None, "s", "r"):
                    raise ValueError(f"the conversion !{conversion} of {{{name}}} is not known")
                if not _FIELD.fullmatch(name):
                    raise ValueError(f"the placeholder {{{name}}} cannot be read")
            yield before, name, form or "", conversion
    except ValueError as error:
        raise ValueError(f"the template cannot be filled: {error}; {remedy}") from None


def _names(pieces: tuple[_Piece, ...]) -> list[str]:
    return list(dict.fromkeys(name for _, name, _, _ in pieces if name is not None))


def _value(record: Mapping[str, Any], name: str) -> Any:
    """The value of a placeholder: the column of that name, or where its indices lead; never an attribute."""
    if name in record:
        return record[name]
    column, path = _FIELD.fullmatch(name).groups()  # type: ignore[union-attr]  # checked when it was parsed
    value: Any = record.get(column, _MISSING)
    for attribute, index in _KEY.findall(path):
        key = attribute or index
        if isinstance(value, Mapping):
            value = value.get(key, _MISSING)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None if value is None else _MISSING
    return value


def _filled(pieces: tuple[_Piece, ...], record: Mapping[str, Any]) -> str:
    parts = []
    for before, name, form, conversion in pieces:
        parts.append(before)
        if name is None:
            continue
        value = _value(record, name)
        value = None if value is _MISSING else value
        if conversion:
            value = as_text(value) if conversion == "s" else repr(as_text(value))
        try:
            parts.append(format(value, form) if form and value is not None else as_text(value))
        except (ValueError, TypeError):
            raise ValueError(f"{{{name}}} cannot be written with the format {form!r}") from None
    return "".join(parts)
