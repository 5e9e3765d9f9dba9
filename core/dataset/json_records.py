"""Records of a JSON file, one at a time: an array, or an object (or string) a line."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from core.dataset.lines import LONGEST_LINE_BYTES, LineReader

#: A record with its line, None within an array.
Record = tuple[int | None, dict[str, Any] | str]
#: Told of what is wrong: the line if it is known, and the message.
Complain = Callable[[int | None, str], None]

_SPACE = re.compile(r"[ \t\r\n]*")
#: What Python's reader may raise for text from anywhere: no JSON, numbers too long, nesting too deep.
_BROKEN = (ValueError, RecursionError)


def records(lines: LineReader, complain: Complain) -> Iterator[Record]:
    """Read the file in bounded memory; what is no record goes to ``complain``."""
    items = _array(lines, complain) if lines.first_character() == "[" else _json_lines(lines, complain)
    for number, item in items:
        if isinstance(item, dict | str):
            yield number, item
        else:
            complain(number, f"a record is {type(item).__name__}, not an object")


def _json_lines(lines: LineReader, complain: Complain) -> Iterator[tuple[int, Any]]:
    for number, text in lines:
        if not text.strip():
            continue
        try:
            item = json.loads(text)
        except _BROKEN as error:
            complain(number, f"not valid JSON ({error}); write one object a line, or one array")
            continue
        yield number, item


def _array(lines: LineReader, complain: Complain) -> Iterator[tuple[None, Any]]:
    """The items of one array that may be far larger than memory; an item may not."""
    text = _Text(lines)
    text.skip("[")
    decoder = json.JSONDecoder()
    if text.skip("]"):
        return
    while True:
        item = text.decode(decoder)
        if isinstance(item, Exception):
            if not lines.cut:
                complain(text.line, f"not valid JSON: {item}")
            return
        yield None, item[0]
        if text.skip(","):
            continue
        if not text.skip("]") and not lines.cut:
            complain(text.line, "not valid JSON: the array is not closed, or lacks a comma between its items")
        elif text.more() and not lines.cut:
            complain(text.line, "not valid JSON: there is text after the array; write one array, or lines")
        return


class _Text:
    """A window on the text that moves on as items are taken."""

    def __init__(self, lines: LineReader) -> None:
        self._chunks, self._buffer, self._at = lines.chunks(), "", 0
        self._lines_taken = 0

    @property
    def line(self) -> int:
        """Where it stands, from 1."""
        return 1 + self._lines_taken + self._buffer.count("\n", 0, self._at)

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

    def decode(self, decoder: json.JSONDecoder) -> tuple[Any] | Exception:
        """The next item, or why there is none."""
        if not self.more():
            return ValueError("the text ends within the array")
        while True:
            try:
                item, end = decoder.raw_decode(self._buffer, self._at)
            except RecursionError as error:
                return error
            except ValueError as error:
                # Reading on by as much as there is keeps the work linear: the item may only be half here.
                if len(self._buffer) - self._at > LONGEST_LINE_BYTES:
                    return ValueError(f"an item is broken or longer than {LONGEST_LINE_BYTES >> 20} MiB")
                if not self._fill(len(self._buffer) - self._at):
                    return error
                continue
            if end == len(self._buffer) and self._fill(1):
                continue  # a number may go on
            self._at = end
            return (item,)

    def _fill(self, wanted: int) -> bool:
        """Forget what was taken and read at least ``wanted`` characters more; False at the end."""
        self._lines_taken += self._buffer.count("\n", 0, self._at)
        parts, got = [self._buffer[self._at :]], 0
        for chunk in self._chunks:
            parts.append(chunk)
            got += len(chunk)
            if got >= wanted:
                break
        self._buffer, self._at = "".join(parts), 0
        return got > 0
