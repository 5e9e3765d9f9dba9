"""Records of a JSON file, one at a time, in bounded memory, however they are arranged.

- an object, a string or a list of messages a line (JSON lines),
- one array of objects, or one object after another,
- one object around them: ``{"data": […]}``, ``{"train": […], "test": […]}``, ``{"1": {…}, "2": {…}}``,
- columns, as pandas and Hugging Face write them: ``{"text": {"0": …}}``, ``{"text": […]}``,
  ``{"columns": […], "data": [[…]]}``.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from core.dataset.dialogs import DIALOG_COLUMNS
from core.dataset.lines import LONGEST_LINE_BYTES, LineReader
from core.dataset.public_sets import set_of

#: A record with its line, None where lines mean nothing.
Record = tuple[int | None, dict[str, Any] | str]

#: Names of lists of objects that belong to one record; their items are not records.
RECORD_LISTS = frozenset(
    (*DIALOG_COLUMNS, "paragraphs", "questions", "qas", "evidence", "info", "tools", "chosen", "rejected")
)
#: Lists of objects that describe a table, and hold none of its rows.
_DESCRIPTIONS = frozenset(("features", "schema", "fields", "columns"))
#: Columns of objects beside the pages of FinQA and ConvFinQA; they hold no records themselves.
_OBJECTS_OF_PAGES = frozenset(("qa", "annotation"))
_PEEKED_BYTES = 1 << 16
_SPACE = re.compile(r"[ \t\r\n]*")
#: What Python's reader may raise for text from anywhere: no JSON, numbers too long, nesting too deep.
_BROKEN = (ValueError, RecursionError)


def is_messages(item: Any) -> bool:
    """Whether a value is a list of messages of a dialog."""
    return (
        isinstance(item, list)
        and bool(item)
        and all(
            isinstance(each, dict)
            and any(pair <= each.keys() for pair in ({"role", "content"}, {"from", "value"}))
            for each in item
        )
    )


def records(lines: LineReader, *, takes: Callable[[str], bool] = lambda key: True) -> Iterator[Record]:
    """Read the file; what is no record is complained of.

    ``takes``: of an object with lists of records, whether to read the list with this key.
    """
    first = lines.first_character()
    items: Iterator[tuple[int | None, Any]]
    if first == "[" and not _has_lists_a_line(lines):
        items = _array(lines)
    elif first == "{" and not _has_objects_a_line(lines):
        items = _objects(lines, takes)
    else:
        items = _json_lines(lines)
    for number, item in items:
        if isinstance(item, dict) and (asked := _squad(item)):
            yield from ((number, each) for each in asked)
        elif isinstance(item, dict | str):
            yield number, item
        elif is_messages(item):
            yield number, {"messages": item}
        else:
            what = type(item).__name__
            lines.complain(number, f"a record is {what}, not an object; write objects with named columns")


def _squad(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The questions of an article of SQuAD, each with its context and first answer; none of other records."""
    found = []
    paragraphs = record.get("paragraphs")
    for part in paragraphs if isinstance(paragraphs, list) else ():
        asked = part.get("qas") if isinstance(part, dict) else None
        for item in asked if isinstance(asked, list) else ():
            answers = item.get("answers") if isinstance(item, dict) else None
            if isinstance(answers, list) and answers and isinstance(answers[0], dict):
                pair = {"question": item.get("question"), "answer": answers[0].get("text")}
                found.append({"context": part.get("context"), **pair})
    return found


def are_objects(lines: LineReader) -> bool:
    """Whether a file of text holds JSON, by its first lines."""
    if lines.first_character() != "{":
        return False
    begun = _begun(lines)
    return len(begun) > 1 and all(isinstance(_parsed(line), dict) for line in begun[:2])


def parts_of(lines: LineReader) -> tuple[str, ...]:
    """The keys at the top of a file that is one object with lists in it, as far as its beginning shows."""
    if lines.first_character() != "{" or _has_objects_a_line(lines):
        return ()
    return tuple(re.findall(r'"(\w{1,20})"\s*:\s*\[', lines.peek(_PEEKED_BYTES)))


def _begun(lines: LineReader) -> list[str]:
    """The first lines that are not empty, the last perhaps half."""
    return [line for line in lines.peek(_PEEKED_BYTES).replace("\r", "\n").split("\n") if line.strip()]


def _has_lists_a_line(lines: LineReader) -> bool:
    """Whether the first line is a list of messages for itself and others follow."""
    begun = _begun(lines)
    return len(begun) > 1 and begun[1].lstrip()[:1] == "[" and is_messages(_parsed(begun[0]))


def _has_objects_a_line(lines: LineReader) -> bool:
    """Whether the first line is an object for itself, and no container of records."""
    begun = _begun(lines)
    first = _parsed(begun[0])
    if not isinstance(first, dict) or len(begun) > 1:
        return isinstance(first, dict)
    return not any(isinstance(first[key], dict | list) for key in first.keys() - RECORD_LISTS)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except _BROKEN:
        return None


def _json_lines(lines: LineReader) -> Iterator[tuple[int, Any]]:
    for number, text in lines:
        if not text.strip():
            continue
        try:
            item = json.loads(text)
        except _BROKEN as error:
            lines.complain(number, f"not valid JSON ({error}); write one object a line, or one array")
            continue
        yield number, item


def _array(lines: LineReader) -> Iterator[tuple[None, Any]]:
    """The items of one array."""
    text = _Text(lines)
    with _whole(lines, text, "array; write one array, or lines"):
        text.skip("[")
        for item in text.items():
            yield None, item


def _objects(lines: LineReader, takes: Callable[[str], bool]) -> Iterator[tuple[None, Any]]:
    """The records in one object around them, or in one object after another."""
    text = _Text(lines)
    with _whole(lines, text, "object; write one object a line", "; write one object a line, or one array"):
        while text.skip("{"):
            yield from ((None, item) for item in _unfolded(text, takes))


@contextmanager
def _whole(lines: LineReader, text: "_Text", last: str, remedy: str = "") -> Iterator[None]:
    """Complains of what is no JSON, and of text after ``last``; not where the file was cut."""
    try:
        yield
        if text.more() and not lines.cut:
            lines.complain(text.line, f"not valid JSON: there is text after the {last}")
    except _BROKEN as error:
        if not lines.cut:
            lines.complain(text.line, f"not valid JSON: {error}{remedy}")


def _unfolded(text: "_Text", takes: Callable[[str], bool]) -> Iterator[Any]:
    """The records of one object, which has begun: those in its lists, or else itself."""
    members: dict[str, Any] = {}
    found, size = False, 0
    for key in text.members():
        begun = text.position
        of_column = key in _OBJECTS_OF_PAGES and "pre_text" in members
        if key in RECORD_LISTS or of_column or not text.skip("["):
            members[key] = text.decode()
        else:
            column: list[Any] = []
            columns = members.get("columns")
            for item in text.items():
                if isinstance(item, dict) and key not in _DESCRIPTIONS:
                    found = True
                    if takes(key):
                        yield item["row"] if isinstance(item.get("row"), dict) else item
                elif isinstance(item, list) and isinstance(columns, list) and key == "data":
                    found = True
                    yield dict(zip(map(str, columns), item, strict=False))
                else:
                    column.append(item)
                    _require_room(text.position - begun + size)
            members[key] = column
        size += text.position - begun
        _require_room(0 if found else size)
    if not found:
        yield from rows_of(members, takes)


def rows_of(members: Mapping[str, Any], takes: Callable[[str], bool]) -> Iterator[Any]:
    """The records in an object without lists of records: its columns, its members, or itself."""
    values = list(members.values())
    if values and all(isinstance(value, list) and not is_messages(value) for value in values):
        plain = not any(isinstance(v, list | dict) for value in values for v in value)
        rows = [dict(zip(members, row, strict=False)) for row in zip(*values, strict=False)]
        if len(set(map(len, values))) == 1 and (plain or (rows and set_of(rows[0]))):
            yield from rows
            return
    elif values and all(isinstance(value, dict) for value in values):
        inner = list(values[0])
        if inner and all(key.isdigit() for key in inner) and not all(key.isdigit() for key in members):
            yield from ({name: column.get(row) for name, column in members.items()} for row in inner)
        elif len(values) > 1 or all(key.isdigit() for key in members):
            yield from (value for key, value in members.items() if takes(key))
        else:
            yield members
        return
    yield dict(members)


def _require_room(size: int) -> None:
    if size > LONGEST_LINE_BYTES:
        raise ValueError(f"one object is longer than {LONGEST_LINE_BYTES >> 20} MiB")


class _Text:
    """A window on the text that moves on as items are taken."""

    def __init__(self, lines: LineReader) -> None:
        self._chunks, self._buffer, self._at = lines.chunks(), "", 0
        self._lines_taken = self._taken = 0
        self._decoder = json.JSONDecoder()

    @property
    def line(self) -> int:
        """Where it stands, from 1."""
        return 1 + self._lines_taken + self._buffer.count("\n", 0, self._at)

    @property
    def position(self) -> int:
        """How many characters were taken."""
        return self._taken + self._at

    def skip(self, wanted: str) -> bool:
        """Take ``wanted`` (one character) if it comes next, white space aside."""
        if not self.more() or self._buffer[self._at] != wanted:
            return False
        self._at += 1
        return True

    def more(self) -> bool:
        """Whether anything but white space is left; it comes next."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return True
            if not self._fill(1):
                return False

    def items(self) -> Iterator[Any]:
        """The items of an array that has begun; it may be far larger than memory, an item may not."""
        for _ in self._until("]", "the array is not closed, or lacks a comma between its items"):
            yield self.decode()

    def members(self) -> Iterator[str]:
        """The keys of an object that has begun; the caller takes each value."""
        for _ in self._until("}", "the object is not closed, or lacks a comma between its members"):
            key = self.decode()
            if not isinstance(key, str) or not self.skip(":"):
                raise ValueError("an object's key is no text, or lacks its colon")
            yield key

    def _until(self, end: str, otherwise: str) -> Iterator[None]:
        """Stops before each part of an array or object, which the caller takes. Raises ValueError."""
        if self.skip(end):
            return
        yield
        while self.skip(","):
            yield
        if not self.skip(end):
            raise ValueError(otherwise)

    def decode(self) -> Any:
        """The next item. Raises ValueError or RecursionError."""
        if not self.more():
            raise ValueError("the text ends within the array or object")
        while True:
            try:
                item, end = self._decoder.raw_decode(self._buffer, self._at)
            except ValueError:
                # Reading on by as much as there is keeps the work linear: the item may only be half here.
                if len(self._buffer) - self._at > LONGEST_LINE_BYTES:
                    message = f"an item is broken or longer than {LONGEST_LINE_BYTES >> 20} MiB"
                    raise ValueError(message) from None
                if not self._fill(len(self._buffer) - self._at):
                    raise
                continue
            if end == len(self._buffer) and self._fill(1):
                continue  # a number may go on
            self._at = end
            return item

    def _fill(self, wanted: int) -> bool:
        """Forget what was taken and read at least ``wanted`` characters more; False at the end."""
        self._lines_taken += self._buffer.count("\n", 0, self._at)
        self._taken += self._at
        parts, got = [self._buffer[self._at :]], 0
        for chunk in self._chunks:
            parts.append(chunk)
            got += len(chunk)
            if got >= wanted:
                break
        self._buffer, self._at = "".join(parts), 0
        return got > 0
