"""Reads PDF: text by pages, as pdfium lays it out, in a separate process (`Reader`).

`python -m finexpert.service.documents.pdf` answers each line of JSON, [FILE, SECONDS], with the texts of the
pages, or with what is wrong with the file.
"""

import json
import math
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from core.documents.layout import lines_of, printed_number
from core.documents.model import Page

SCANNED_CHARACTERS = 20
"""A page with fewer characters than this is an image, or empty."""

READING_SECONDS = 30
"""Seconds of computing that any file may take."""
BYTES_A_SECOND = 100_000
"""A larger file may take a second more for each of these; reports of 1 to 3 MB take 1 to 2 s."""

_PADDING = re.compile(r"(?<=[$€£¥])[ \u00a0]{2,}")
LOCKED = "it is locked with a password: save a copy without one"
DAMAGED = "it is damaged: save or download it again"


class Unreadable(ValueError):
    """A file that no text can be read from: why, and what to do."""


class Reader:
    """A process that reads PDF files one after the other, and is started again after a file that ended it.

    So a file on which pdfium crashes or never ends does not stop the others.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def texts(self, path: Path) -> list[str]:
        """The text of each page.

        Raises:
            Unreadable: the file is damaged, locked, or takes too long.
        """
        seconds = READING_SECONDS + math.ceil(path.stat().st_size / BYTES_A_SECOND)
        if self._process is None:
            command, pipe = [sys.executable, "-m", __name__], subprocess.PIPE
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
            )
        assert self._process.stdin and self._process.stdout
        answer = None
        with suppress(OSError):  # it has ended already
            print(json.dumps([str(path.resolve()), seconds]), file=self._process.stdin, flush=True)
            answer = json.loads(self._process.stdout.readline() or "null")
        if isinstance(answer, list):
            return answer
        if answer is None:
            self._end()
            answer = f"its reader failed, or took more than {seconds} s: print it to a new PDF and add that"
        raise Unreadable(answer)

    def _end(self) -> None:
        if self._process:
            with self._process:
                self._process.kill()
            self._process = None


def read(path: Path, reader: Reader) -> tuple[tuple[Page, ...], tuple[str, ...]]:
    """The pages of a PDF, and what is wrong with it.

    Raises:
        Unreadable: it is damaged, locked, takes too long, or holds images of text alone.
    """
    texts = [_clean(text) for text in reader.texts(path)]
    pages = tuple(
        Page(number, text, lines_of(text), printed_number(text.splitlines()))
        for number, text in enumerate(texts, 1)
    )
    empty = [page.number for page in pages if len(page.text.strip()) < SCANNED_CHARACTERS]
    if len(empty) == len(pages):
        raise Unreadable("its pages are images of text: run a text recognition (OCR) on it first")
    if not empty:
        return pages, ()
    scanned = f"{len(empty)} of {len(pages)} pages hold no text (images?), the first is page {empty[0]}"
    return pages, (scanned,)


def _texts(path: str) -> list[str] | str:
    """The text of each page, or what is wrong with the file."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        return LOCKED if "password" in str(error).lower() else DAMAGED
    texts = []
    for number in range(len(document)):
        page = document[number].get_textpage()
        texts.append(page.get_text_bounded())
        page.close()
    document.close()
    return texts


def _clean(text: str) -> str:
    """Normalise line ends, marks of split words, and the blanks between "$" and its amount."""
    return _PADDING.sub(
        " ",
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\ufffe", "-\n")
        .replace("\u0002", "-\n")
        .replace("\x00", ""),
    )


def _answer_lines() -> None:
    import resource
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        path, seconds = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = math.ceil(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        print(json.dumps(_texts(path)), flush=True)


if __name__ == "__main__":
    _answer_lines()
