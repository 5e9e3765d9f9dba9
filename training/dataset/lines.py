"""Lines of text from any binary stream, in bounded memory, with broken encodings told by line."""

from collections.abc import Iterator
from typing import Protocol

from training.dataset.documents import Problem

READ_BYTES = 1 << 18
#: A longer line is not text of a person; it would also be held in memory as one piece.
LONGEST_LINE_BYTES = 16 << 20
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


class LineReader:
    """Iterates over (line number from 1, text without its end) of a UTF-8 stream.

    Lines that are no valid UTF-8 are left out and appended to ``problems``.
    """

    def __init__(self, source: str, stream: BinaryStream, problems: list[Problem]) -> None:
        self.source, self._stream, self._problems = source, stream, problems

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for number, raw in enumerate(self._raw_lines(), start=1):
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
                foreign = _FOREIGN_MARKS.get(raw[:2])
                if foreign:
                    self._complain(1, f"this is {foreign}, not text; save it as plain UTF-8 text")
                    return
            try:
                yield number, raw.decode("utf-8")
            except UnicodeDecodeError as error:
                byte, column = raw[error.start], error.start + 1
                self._complain(
                    number, f"byte 0x{byte:02x} at column {column} is not UTF-8; save the file as UTF-8"
                )

    def _raw_lines(self) -> Iterator[bytes]:
        rest = b""
        while block := self._stream.read(READ_BYTES):
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            for line in lines:
                yield line.removesuffix(b"\r")
            if len(rest) > LONGEST_LINE_BYTES:
                self._complain(
                    None, f"a line is longer than {LONGEST_LINE_BYTES >> 20} MiB; break it into documents"
                )
                return
        if rest:
            yield rest.removesuffix(b"\r")

    def _complain(self, line: int | None, message: str) -> None:
        self._problems.append(Problem(self.source, line, message))
