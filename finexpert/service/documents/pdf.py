"""Reads PDF: text by pages, as pdfium lays it out."""

from __future__ import annotations

from pathlib import Path

import pypdfium2

from core.documents.layout import lines_of, printed_number
from core.documents.model import Page

SCANNED_CHARACTERS = 20
"""A page with fewer characters than this is an image, or empty."""


class Unreadable(ValueError):
    """A file that no text can be read from: why, and what to do."""


def read(path: Path) -> tuple[tuple[Page, ...], tuple[str, ...]]:
    """The pages of a PDF, and what is wrong with it.

    Raises:
        Unreadable: it is damaged, locked, or holds images of text alone.
    """
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        advice = (
            "it is locked with a password: save a copy without one"
            if locked
            else "it is damaged: save or download it again"
        )
        raise Unreadable(advice) from None
    try:
        pages = []
        for number in range(len(document)):
            page = document[number].get_textpage()
            text = _clean(page.get_text_bounded())
            page.close()
            pages.append(Page(number + 1, text, lines_of(text), printed_number(text.splitlines())))
    finally:
        document.close()
    empty = [page.number for page in pages if len(page.text.strip()) < SCANNED_CHARACTERS]
    if len(empty) == len(pages):
        raise Unreadable("its pages are images of text: run a text recognition (OCR) on it first")
    scanned = (
        f"{len(empty)} of {len(pages)} pages hold no text (images?), the first is page {empty[0]}"
        if empty
        else ""
    )
    return tuple(pages), (scanned,) if scanned else ()


def _clean(text: str) -> str:
    """Plain line ends; the mark that pdfium leaves where a word was split at a line's end becomes nothing."""
    return (
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\ufffe", "-\n")
        .replace("\u0002", "-\n")
        .replace("\x00", "")
    )
