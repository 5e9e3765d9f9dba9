"""Reading one file as a dataset, and samples to put into it."""

import io
import json
from typing import Any

from core.dataset import Document, Reader, Source, check
from core.dataset.templates import DEMARCATION
from core.hyperparameters import parse

SENTENCES = [f"Brackwater Mills, of city {n}, sold {n} tonnes of paper; costs rose." for n in range(30)]
LABELS = ["neutral", "positive", "negative"] * 10


def file(name: str, content: str | bytes) -> Source:
    return (name, io.BytesIO(content.encode() if isinstance(content, str) else content))


def json_lines(records: list[Any]) -> str:
    return "\n".join(map(json.dumps, records))


class DribblingStream:
    """Gives few bytes a read, as a slow network may; has only what the reader may rely on."""

    def __init__(self, content: bytes, step: int) -> None:
        self._rest, self._step = content, step

    def read(self, size: int, /) -> bytes:
        first, self._rest = self._rest[: self._step], self._rest[self._step :]
        return first


def read(name: str, content: str | bytes, **settings: str) -> list[Document]:
    reader = Reader([file(name, content)], parse(settings))
    documents = list(reader)
    assert reader.problems == []
    return documents


def refused(name: str, content: str | bytes, **settings: str) -> str:
    report = check([file(name, content)], parse(settings))
    assert not report.ok
    return "\n".join(report.errors)


def pairs_of(documents: list[Document]) -> list[tuple[str, str]]:
    return [(str(document.prompt).removesuffix(DEMARCATION), document.text) for document in documents]


RECORDS: list[dict[str, Any]] = [{"id": n, "sentence": s} for n, s in enumerate(SENTENCES)]
COLUMNS: dict[str, list[Any]] = {name: [record[name] for record in RECORDS] for name in ("id", "sentence")}
