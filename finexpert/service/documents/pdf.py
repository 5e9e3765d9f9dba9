"""Reads PDF: text by pages, as pdfium lays it out.

`python -m finexpert.service.documents.pdf FILE SECONDS` writes the texts of the pages as a JSON list, or
exits with a status of `_ADVICE`. Each file has its own process: one that pdfium crashes on, or never ends,
keeps no other from being read.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

from core.documents.layout import lines_of, printed_number
from core.documents.model import Page

SCANNED_CHARACTERS = 20
"""A page with fewer characters than this is an image, or empty."""

READING_SECONDS = 30
"""Seconds of computing that any file may take."""
BYTES_A_SECOND = 100_000
"""A larger file may take a second more for each of these; reports of 1 to 3 MB take 1 to 2 s."""

_LOCKED, _DAMAGED = 3, 4
_ADVICE = {
    _LOCKED: "it is locked with a password: save a copy without one",
    _DAMAGED: "it is damaged: save or download it again",
}


class Unreadable(ValueError):
    """A file that no text can be read from: why, and what to do."""


def read(path: Path) -> tuple[tuple[Page, ...], tuple[str, ...]]:
    """The pages of a PDF, and what is wrong with it.

    Raises:
        Unreadable: it is damaged, locked, takes too long, or holds images of text alone.
    """
    seconds = READING_SECONDS + math.ceil(path.stat().st_size / BYTES_A_SECOND)
    command = [sys.executable, "-m", __name__, str(path.resolve()), str(seconds)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        advice = f"its reader failed, or took more than {seconds} s: print it to a new PDF and add that"
        raise Unreadable(_ADVICE.get(done.returncode, advice))
    texts = [_clean(text) for text in json.loads(done.stdout)]
    pages = tuple(
        Page(number, text, lines_of(text), printed_number(text.splitlines()))
        for number, text in enumerate(texts, 1)
    )
    empty = [page.number for page in pages if len(page.text.strip()) < SCANNED_CHARACTERS]
    if len(empty) == len(pages):
        raise Unreadable("its pages are images of text: run a text recognition (OCR) on it first")
    scanned = (
        f"{len(empty)} of {len(pages)} pages hold no text (images?), the first is page {empty[0]}"
        if empty
        else ""
    )
    return pages, (scanned,) if scanned else ()


def _texts(path: str) -> list[str]:
    """The text of each page; ends the process where the file cannot be opened."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        sys.exit(_LOCKED if "password" in str(error).lower() else _DAMAGED)
    texts = []
    for number in range(len(document)):
        page = document[number].get_textpage()
        texts.append(page.get_text_bounded())
        page.close()
    return texts


def _clean(text: str) -> str:
    """Plain line ends; the mark that pdfium leaves where a word was split at a line's end becomes nothing."""
    return (
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\ufffe", "-\n")
        .replace("\u0002", "-\n")
        .replace("\x00", "")
    )


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(_texts(sys.argv[1])))
