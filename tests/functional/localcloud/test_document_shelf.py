"""The index of documents in a bucket of the embedded cloud, pushed and fetched, and its vectors."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.documents import store
from core.documents.answering import answer
from core.documents.search import Corpus, search
from core.documents.vectors import DIMENSIONS, METRIC
from finexpert.errors import NotFound, UserError
from finexpert.service.documents import library, shelf, vectors
from localcloud.lifecycle import Cloud
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


@pytest.fixture
def app(client: Callable[..., Any]) -> Iterator[Any]:
    """As much of a deployed app as a push of vectors and a search by them use, with an index of their own."""
    vectors = client("s3vectors")
    vectors.create_vector_bucket(vectorBucketName=BUCKET)
    named = {"vectorBucketName": BUCKET, "indexName": "documents-1"}
    shape = {"dataType": "float32", "dimension": DIMENSIONS, "distanceMetric": METRIC}
    arn = vectors.create_index(**named, **shape)["indexArn"]
    target = SimpleNamespace(client=lambda service, read_seconds=60: client(service))
    settings = SimpleNamespace(vectors=True)
    yield SimpleNamespace(settings=settings, target=target, output=lambda part, key: arn)
    vectors.delete_index(**named)
    vectors.delete_vector_bucket(vectorBucketName=BUCKET)


def pushed(app: Any, folder: Path) -> tuple[int, int]:
    """How many vectors a push of this index adds and removes."""
    with store.opened(folder) as connection:
        planned = vectors.plan(app, Corpus.of(connection))
        assert planned is not None
        usd = vectors.carry_out(app, planned, lambda usd: None, lambda line: None)
    assert usd <= planned.worst_usd and (usd > 0) is bool(planned.missing)
    return len(planned.missing), len(planned.gone)


def test_only_what_changed_is_embedded_and_what_is_gone_is_removed(app: Any, tmp_path: Path) -> None:
    mine = made(tmp_path / "mine")
    first, _ = pushed(app, mine)
    assert first > 4 and pushed(app, mine) == (0, 0)
    (tmp_path / "more.txt").write_text("Dunlin Foods, annual report 2024. Net sales were $5 million.")
    library.add(mine, [tmp_path / "more.txt"])
    grown = pushed(app, mine)
    assert grown[0] > 0 and grown[1] == 0
    with store.opened(mine) as connection:
        assert store.remove(connection, "more.txt")
    assert pushed(app, mine) == (0, grown[0])


def test_vectors_find_what_no_word_does_in_the_right_documents_only(app: Any, tmp_path: Path) -> None:
    mine = made(tmp_path / "mine")
    pushed(app, mine)
    with store.opened(mine) as connection:
        plain = Corpus.of(connection)
        searched = replace(plain, by_meaning=vectors.by_meaning(app))
        asked = plain.understand("Borealis emploiees")  # no word of the text, but parts of one
        by_words, by_both = (search(corpus, asked, top=20) for corpus in (plain, searched))
    assert len(by_both) > len(by_words)
    assert {each.document for each in by_both} == {"borealis-10k.html"}


@pytest.mark.parametrize(
    ("service", "operation"), [("s3vectors", "QueryVectors"), ("bedrock", "InvokeModel")]
)
def test_where_aws_refuses_the_words_answer_and_the_reason_is_given(
    app: Any, cloud: Cloud, tmp_path: Path, service: str, operation: str
) -> None:
    mine = made(tmp_path / "mine")
    pushed(app, mine)
    refusal = {"service": service, "operation": operation, "error": "AccessDeniedException"}
    cloud.ask("POST", "faults", refusal)
    with store.opened(mine) as connection:
        by_meaning = vectors.by_meaning(app)
        assert by_meaning is not None
        plain = Corpus.of(connection)
        asked = plain.understand("How does Borealis describe its workforce?")
        assert search(replace(plain, by_meaning=by_meaning), asked) == search(plain, asked)
        assert "AccessDeniedException" in by_meaning.problem
        search(replace(plain, by_meaning=by_meaning), asked)
        assert by_meaning.problem == "", "the fault was for one request"
