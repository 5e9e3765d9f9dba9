"""`finexpert docs` over the pushed index: consent before vectors cost anything, and what failed is said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from finexpert.cli import main as cli
from finexpert.cli.commands import docs as command
from finexpert.service.documents import vectors
from tests.fakes import filings
from tests.fakes.s3 import FakeS3
from tests.unit.finexpert.service.documents.test_vectors import Amazon


class Cloud(Amazon):
    """S3, Titan and S3 Vectors of a deployed app."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket = FakeS3()
        self.on = True

    def client(self, service: str, **_: Any) -> Any:
        return self.bucket if service == "s3" else self


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    spent: list[float] = []

    @contextmanager
    def admitted(deployment: Any, worst_usd: float, **_: Any) -> Iterator[Any]:
        assert worst_usd > 0 and not made.kept, "money is admitted before anything is sent"
        yield SimpleNamespace(spent=spent.append)

    def there(context: Any) -> Any:
        return SimpleNamespace(
            settings=SimpleNamespace(vectors=made.on),
            target=made,
            output=lambda part, key: f"{part}-{key}",
            data_bucket="Storage-DataBucketName",
        )

    monkeypatch.setattr(command, "open_deployment", there)
    monkeypatch.setattr(vectors, "Purse", admitted)
    return made


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return filings.shelf(tmp_path)


def docs(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli.app, ["docs", *words], input=typed)


def test_without_consent_nothing_leaves(cloud: Cloud, index: Path) -> None:
    done = docs("push", "--index", str(index), typed="n\n")
    assert done.exit_code == 1 and "costs at most $0.00" in done.output
    assert not cloud.kept and not cloud.bucket.objects


def test_with_consent_index_and_vectors_are_pushed_and_the_cost_is_said(cloud: Cloud, index: Path) -> None:
    done = docs("push", "--index", str(index), "--yes", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["vectors"]["added"] == len(cloud.kept) > 4 and answer["vectors"]["usd"] > 0
    again = docs("push", "--index", str(index))
    assert again.exit_code == 0 and "0 vectors added" in again.output, "nothing new asks for no consent"


def test_without_the_setting_a_push_asks_nothing(cloud: Cloud, index: Path) -> None:
    cloud.on = False
    done = docs("push", "--index", str(index), "--json")
    assert done.exit_code == 0 and "vectors" not in json.loads(done.stdout) and not cloud.kept


def test_a_large_index_is_advised_vectors(cloud: Cloud, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.on = False
    assert "retrieval=vectors" not in docs("push", "--index", str(index)).stderr
    monkeypatch.setattr(vectors, "MANY_PAGES", 2)
    assert "retrieval=vectors" in docs("push", "--index", str(index)).stderr


def test_the_pushed_index_is_searched_and_the_own_one_stays(cloud: Cloud, index: Path) -> None:
    docs("push", "--index", str(index), "--yes")
    before = (index / "documents.sqlite").read_bytes()
    question = ("How does Borealis describe its workforce?", "--index", str(index), "--pushed", "--json")
    answer = json.loads(docs("search", *question).stdout)
    assert answer["results"] and "note" not in answer
    cloud.texts = 0
    for verb in ("search", "ask"):
        assert "Vectors were not searched" in json.loads(docs(verb, *question).stdout)["note"]
    assert (index / "documents.sqlite").read_bytes() == before
    evaluated = docs("evaluate", "--index", str(index), "--pushed", "--questions", "2")
    assert evaluated.exit_code == 1 and "Vectors were not searched" in str(evaluated.exception)


def test_an_evaluation_shows_both_side_by_side(cloud: Cloud, index: Path) -> None:
    docs("push", "--index", str(index), "--yes")
    done = docs("evaluate", "--index", str(index), "--pushed", "--questions", "2")
    assert done.exit_code == 0, done.output
    assert done.output.count("2 questions:") == 2 and "McNemar" in done.output
