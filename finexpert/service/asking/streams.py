"""A serving container's streamed answer: JSON lines, in pieces that end anywhere, put together. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from finexpert.errors import UserError


@dataclass(frozen=True)
class Piece:
    """Some more of the answer. `whole`: all of it, in the container's own words, with the last piece."""

    text: str
    whole: str | None = None


def pieces(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """The answer piece by piece: LMI's `{"token": {"text"}}` a line, the last with `"generated_text"`.

    Args:
        chunks: payloads of the event stream, cut without regard to lines or characters.

    Raises:
        UserError: a line has another shape.
    """
    for line in _lines(chunks):
        try:
            document = json.loads(line)
        except ValueError:
            raise _unknown(line.decode(errors="replace")) from None
        if isinstance(document, dict) and isinstance(document.get("token"), dict):
            yield Piece(str(document["token"].get("text", "")), document.get("generated_text"))
        else:
            text = generated_text(document)
            yield Piece(text, text)


def generated_text(document: Any) -> str:
    """The text in an answer that comes at once: LMI's `{"generated_text"}`, JumpStart's list of one such.

    Raises:
        UserError: the answer has another shape.
    """
    entry = document[0] if isinstance(document, list) and document else document
    if isinstance(entry, dict):
        for key in ("generated_text", "generation"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
    raise _unknown(json.dumps(document))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(None, map(bytes.strip, whole))
    if rest.strip():
        yield rest


def _unknown(answer: str) -> UserError:
    return UserError(
        f"The endpoint answered in a shape that is not known here: {answer[:200]}",
        fix="Which serving container is it? See the setting serving_image.",
    )
