"""The index of documents in a bucket of the embedded cloud: pushed, fetched, and never overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.documents import store
from core.documents.answering import answer
from core.documents.search import Corpus
from finexpert.errors import NotFound, UserError
from finexpert.service.documents import library, shelf
from tests.fakes import filings

BUCKET = "document-shelf"


@pytest.fixture
def s3(client: Callable[..., Any]) -> Iterator[Any]:
    found = client("s3")
    found.create_bucket(Bucket=BUCKET)
    yield found
    for each in found.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        found.delete_object(Bucket=BUCKET, Key=each["Key"])
    found.delete_bucket(Bucket=BUCKET)


def made(folder: Path) -> Path:
    folder.mkdir()
    return filings.shelf(folder)


def test_a_pushed_index_answers_where_it_is_fetched(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        shelf.pull(s3, BUCKET, tmp_path / "none")
    version = shelf.push(s3, BUCKET, made(tmp_path / "mine"))
    assert shelf.pull(s3, BUCKET, tmp_path / "theirs") == version
    with store.opened(tmp_path / "theirs") as connection:
        corpus = Corpus.of(connection)
        given = answer(corpus, corpus.understand("What were Borealis's net sales in fiscal 2024?"))
    assert given.value == 1_250_000_000 and given.citations[0].document == "borealis-10k.html"


def test_of_two_pushes_at_once_the_second_is_reported_and_replaces_nothing(s3: Any, tmp_path: Path) -> None:
    mine, theirs = made(tmp_path / "mine"), made(tmp_path / "theirs")
    (tmp_path / "more.txt").write_text("Dunlin Foods, annual report 2024. Net sales were $5 million.")
    library.add(theirs, [tmp_path / "more.txt"])

    class Slow:
        """S3 for a sender who is overtaken between reading the pointer and moving it."""

        def __getattr__(self, name: str) -> Any:
            return getattr(s3, name)

        def put_object(self, **asked: Any) -> Any:
            if asked["Key"] != shelf.POINTER:
                shelf.push(s3, BUCKET, theirs)
            return s3.put_object(**asked)

    with pytest.raises(UserError, match="at the same time"):
        shelf.push(Slow(), BUCKET, mine)
    shelf.pull(s3, BUCKET, tmp_path / "now")
    assert (tmp_path / "now" / store.FILE).read_bytes() == (theirs / store.FILE).read_bytes()
