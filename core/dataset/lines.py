"""Decoding: lines of text from any binary stream, in bounded memory, whatever its encoding and line ends.

UTF-8 with and without a byte order mark, UTF-16 and UTF-32 with one, and Windows-1252 (with Latin-1 in it)
are read; line ends may be LF, CRLF or CR. Other bytes are a problem with its line.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from core.dataset.documents import Problem

T = TypeVar("T")
READ_BYTES = 1 << 18
#: A longer line (or document) is not text of a person; it would also be held in memory as one piece.
LONGEST_LINE_BYTES = 16 << 20
#: Byte order marks of encodings that are turned into UTF-8 on the way; UTF-32's begins as UTF-16's does.
_MARKED = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_FOREIGN_MARKS = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"%PDF-", "PDF"),
    (b"PAR1", "Parquet"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"SQLite format 3", "an SQLite database"),
)
_MARK_BYTES = 16
_BOM = "\ufeff"
_NOT_ASCII = bytes(range(128, 256))
#: Of Windows-1252, in bytes: capital letters, small letters, signs, and signs that may follow any letter.
_CAPITALS, _SMALL = rb"\x8a\x8c\x8e\x9f\xc0-\xd6\xd8-\xde", rb"\x9a\x9c\x9e\xdf-\xf6\xf8-\xfe"
_CLOSING = rb"\x85\x91-\x97\x99\xa0\xae\xb7\xbb"
#: Small letters that are words (à, è, é, ó, …); all others stand beside a letter.
_WORDS = rb"\xe0\xe1\xe5\xe8\xe9\xf2\xf3\xf4\xf6\xf8\xf9\xc0\xc9"
_LETTERS = _CAPITALS + _SMALL
#: What does not occur in Western text.
_NOT_WESTERN = re.compile(
    b"|".join(
        (
            rb"[\x81\x8d\x8f\x90\x9d\xff]",  # undefined bytes, and the letter that hardly any word has
            rb"[\x80-\xff]{3}",
            rb"[\xc2-\xf4](?![%s])[\x80-\xbf]" % _CLOSING,  # a UTF-8 character, whole or cut
            rb"[a-z%s][%s]" % (_SMALL, _CAPITALS),  # a capital letter within a word
            rb"(?<![A-Za-z%s])(?![%s])[%s](?![A-Za-z%s])" % (_LETTERS, _WORDS, _LETTERS, _LETTERS),
        )
    )
)


class BinaryStream(Protocol):
    """All that is asked of a stream: an open file and the body of an S3 object both have it."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


class OpenedStream(BinaryStream, Protocol):
    """A stream that was opened to be read here, and is closed afterwards."""

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


def taken(items: Iterator[T], most: int, characters: int, size: Callable[[T], int]) -> tuple[list[T], bool]:
    """The first items: at most so many, and no more once their sizes reach ``characters``.

    Says, too, whether these are all that there are.
    """
    found: list[T] = []
    total = 0
    for item in items:
        found.append(item)
        total += size(item)
        if len(found) >= most or total >= characters:
            return found, False
    return found, True


class LineReader:
    """Iterates over (line number from 1, text without its end) of a stream.

    Lines that cannot be decoded are left out and appended to ``problems``, and so is what their reader
    complains of. Of a stream that is cut short (:class:`Head`) the last line, which may be half, is left out.
    """

    def __init__(self, source: str, stream: BinaryStream, problems: list[Problem]) -> None:
        self.source, self._stream, self._problems = source, stream, problems
        self._first: bytes | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._marked = ""
        self._unicode = self._western = self._wrong_at = 0
        self._broken = False

    @property
    def cut(self) -> bool:
        """Whether the text ended before its content did, so that what is half at its end is no problem."""
        return self._broken or (isinstance(self._stream, Head) and self._stream.cut)

    @property
    def encoding(self) -> str:
        """How the text was encoded, as far as it was read."""
        if self._marked or not self._western:
            return self._marked or "UTF-8"
        return "UTF-8 and Windows-1252" if self._unicode else "Windows-1252"

    def peek(self, size: int) -> str:
        """The beginning of the text, at least ``size`` bytes where there are as many; nothing is consumed."""
        return self._head(size).decode("utf-8", "replace").replace(_BOM, "")

    def first_character(self) -> str:
        """The first character that is no white space, "" if there is none; nothing is consumed."""
        size = READ_BYTES
        while not (head := self.peek(size).lstrip()) and len(self._head(size)) >= size:
            size *= 2
            if size > LONGEST_LINE_BYTES:
                break
        return head[:1]

    def __iter__(self) -> Iterator[tuple[int, str]]:
        if self._foreign():
            return
        for number, raw in enumerate(self._raw_lines(), start=1):
            text = self._decoded(raw, number)
            if text is None:
                continue
            text = text.removeprefix(_BOM)  # files that were joined have one each
            if "\x00" in text:
                self.complain(
                    number, f"a zero byte at column {text.index(chr(0)) + 1}: this is binary, not UTF-8 text"
                )
                continue
            yield number, text

    def chunks(self) -> Iterator[str]:
        """The text as pieces of any length, for formats that lines mean nothing to."""
        if self._foreign():
            return
        lines, rest, first = 1, b"", True
        for block in self._blocks():
            rest += block
            whole = rest.rstrip(_NOT_ASCII)  # no character is cut behind an ASCII one
            if not whole and len(rest) <= LONGEST_LINE_BYTES:
                continue
            rest = rest[len(whole) :]
            text = self._decoded(whole, lines, in_pieces=True)
            if text is None:
                self._broken = True
                yield whole[: self._wrong_at].decode("utf-8")
                return
            yield text.removeprefix(_BOM) if first else text
            first = False
            lines += text.count("\n")
        if rest and not self.cut and (text := self._decoded(rest, lines, in_pieces=True)):
            yield text

    def _decoded(self, raw: bytes, line: int, *, in_pieces: bool = False) -> str | None:
        """Text of bytes, of which the first stand in ``line``; None with a complaint where they are none."""
        try:
            text = raw.decode("utf-8")
            self._unicode += not text.isascii()
        except UnicodeDecodeError as error:
            if _NOT_WESTERN.search(raw):
                self._wrong_at = error.start
                line += raw[: error.start].count(b"\n")
                column = "" if in_pieces else f" at column {error.start + 1}"
                what = f"byte 0x{raw[error.start]:02x}{column} is not UTF-8"
                self.complain(line, f"{what}; save the file as UTF-8")
                return None
            text = raw.decode("cp1252")
            self._western += 1
        return text

    def _foreign(self) -> bool:
        start = self._head().removeprefix(codecs.BOM_UTF8)
        foreign = next((name for mark, name in _FOREIGN_MARKS if start.startswith(mark)), None)
        if foreign:
            self.complain(1, f"this is {foreign}, not text; save it as plain UTF-8 text")
        return foreign is not None

    def _head(self, size: int = _MARK_BYTES) -> bytes:
        """The first bytes in UTF-8, kept for the reading; at least ``size`` where there are as many."""
        if self._first is None:
            raw = self._stream.read(READ_BYTES)
            while 0 < len(raw) < _MARK_BYTES and (more := self._stream.read(READ_BYTES)):
                raw += more
            name = next((name for mark, name in _MARKED if raw.startswith(mark)), "")
            if name:
                self._marked = name
                self._decoder = codecs.getincrementaldecoder(name)()
            self._first = self._as_utf8(raw)
        while len(self._first) < size and (more := self._read()):
            self._first += more
        return self._first

    def _read(self) -> bytes:
        """The next bytes in UTF-8; none at the end."""
        while raw := self._stream.read(READ_BYTES):
            if block := self._as_utf8(raw):
                return block
        return b""

    def _as_utf8(self, raw: bytes) -> bytes:
        if self._decoder is None:
            return raw
        try:
            return self._decoder.decode(raw).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.complain(None, f"the text is not valid {self._marked}; save the file as UTF-8")
            self._broken, self._stream = True, Head(self._stream, 0)
            return b""

    def _blocks(self) -> Iterator[bytes]:
        """The text in UTF-8, with LF at the end of each line."""
        held, block = b"", self._head()
        self._first = b""
        while block:
            if held or b"\r" in block:
                block = held + block
                kept = block.rstrip(b"\r")
                held = block[len(kept) :]  # the LF of these may come with the next block
                block = kept.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if block:
                yield block
            block = self._read()
        if held:
            yield b"\n"

    def _raw_lines(self) -> Iterator[bytes]:
        rest = b""
        for block in self._blocks():
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            yield from lines
            if len(rest) > LONGEST_LINE_BYTES:
                self.complain(
                    None, f"a line is longer than {LONGEST_LINE_BYTES >> 20} MiB; break it into documents"
                )
                return
        if rest and not self.cut:
            yield rest

    def complain(self, line: int | None, message: str) -> None:
        """Say what is wrong, in this line or in the whole file."""
        self._problems.append(Problem(self.source, line, message))
