"""Lines of text from any binary stream, in bounded memory, with broken encodings told by line."""

import codecs
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from core.dataset.documents import Problem

READ_BYTES = 1 << 18
#: A longer line (or document) is not text of a person; it would also be held in memory as one piece.
LONGEST_LINE_BYTES = 16 << 20
_BOM = codecs.BOM_UTF8
_FOREIGN_MARKS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip",
    b"PK": "zip",
    b"%P": "PDF",
}


class BinaryStream(Protocol):
    """All that is asked of a stream: an open file and the body of an S3 object both have it."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A stream that can be closed; not all can."""

    def close(self) -> None:
        """Give back what it holds."""
        ...


class Head:
    """The first ``limit`` bytes of a stream; ``cut`` says, after reading, that there was more."""

    def __init__(self, stream: BinaryStream, limit: int) -> None:
        self._stream, self._left = stream, limit
        self.cut = False

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end or the limit."""
        if self._left <= 0:
            self.cut = self.cut or bool(self._stream.read(1))
            return b""
        block = self._stream.read(min(size, self._left))
        self._left -= len(block)
        return block


class LineReader:
    """Iterates over (line number from 1, text without its end) of a UTF-8 stream.

    Lines that are no valid UTF-8 are left out and appended to ``problems``. Of a stream that is cut short
    (:class:`Head`) the last line, which may be half, is left out.
    """

    def __init__(self, source: str, stream: BinaryStream, problems: list[Problem]) -> None:
        self.source, self._stream, self._problems = source, stream, problems
        self._first: bytes | None = None
        self._broken = False

    @property
    def cut(self) -> bool:
        """Whether the text ended before its content did: what is half at its end is nobody's fault."""
        return self._broken or (isinstance(self._stream, Head) and self._stream.cut)

    def first_character(self) -> str:
        """The first character that is no white space, "" if there is none; nothing is consumed."""
        head = self._head()
        while head and not head.removeprefix(_BOM).strip():
            more = self._stream.read(READ_BYTES)
            if not more:
                return ""
            head = more  # nothing but white space came before: no line worth numbering exactly
            self._first = head
        return head.removeprefix(_BOM).lstrip()[:1].decode("latin-1")

    def __iter__(self) -> Iterator[tuple[int, str]]:
        if self._foreign():
            return
        for number, raw in enumerate(self._raw_lines(), start=1):
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                byte, column = raw[error.start], error.start + 1
                self._complain(
                    number, f"byte 0x{byte:02x} at column {column} is not UTF-8; save the file as UTF-8"
                )
                continue
            if "\x00" in text:
                self._complain(
                    number, f"a zero byte at column {text.index(chr(0)) + 1}: this is binary, not UTF-8 text"
                )
                continue
            yield number, text

    def chunks(self) -> Iterator[str]:
        """The text as pieces of any length, for formats that lines mean nothing to."""
        if self._foreign():
            return
        decoder = codecs.getincrementaldecoder("utf-8")()
        block = self._head().removeprefix(_BOM)
        lines = 1
        try:
            while block:
                yield decoder.decode(block)
                lines += block.count(b"\n")
                block = self._stream.read(READ_BYTES)
            if not self.cut:
                yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            yield error.object[: error.start].decode("utf-8")
            self._broken = True
            lines += error.object.count(b"\n", 0, error.start)
            self._complain(
                lines, f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
            )

    def _foreign(self) -> bool:
        foreign = _FOREIGN_MARKS.get(self._head().removeprefix(_BOM)[:2])
        if foreign:
            self._complain(1, f"this is {foreign}, not text; save it as plain UTF-8 text")
        return foreign is not None

    def _head(self) -> bytes:
        """The first bytes, kept for whoever reads on; at least four where there are so many."""
        if self._first is None:
            head = self._stream.read(READ_BYTES)
            while 0 < len(head) < 5 and (more := self._stream.read(READ_BYTES)):
                head += more
            self._first = head
        return self._first

    def _raw_lines(self) -> Iterator[bytes]:
        rest, block = b"", self._head().removeprefix(_BOM)
        while block:
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            for line in lines:
                yield line.removesuffix(b"\r")
            if len(rest) > LONGEST_LINE_BYTES:
                self._complain(
                    None, f"a line is longer than {LONGEST_LINE_BYTES >> 20} MiB; break it into documents"
                )
                return
            block = self._stream.read(READ_BYTES)
        if rest and not self.cut:
            yield rest.removesuffix(b"\r")

    def _complain(self, line: int | None, message: str) -> None:
        self._problems.append(Problem(self.source, line, message))
