"""`finexpert docs`, and the index in a bucket."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.documents import store
from core.documents.search import Corpus
from finexpert.cli.main import app
from finexpert.errors import UserError
from finexpert.service.documents import exercises, library, shelf
from tests.fakes.s3 import FakeS3


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["docs", *arguments])


def test_the_commands_print_the_documented_json(index: Path) -> None:
    asked = json.loads(run("ask", "Borealis revenue in 2024", "--index", str(index), "--json").stdout)
    assert asked["value"] == 1250000000 and asked["citations"][0]["page"] == 2
    assert {"answer", "refused", "reason", "method", "value", "unit", "period", "citations"} <= set(asked)
    found_in = ["--index", str(index), "--top", "2", "--json"]
    found = json.loads(run("search", "Borealis revenue", *found_in).stdout)
    assert len(found["results"]) == 2
    keys = {"document", "page", "printed_page", "section", "kind", "score", "text", "span"}
    assert set(found["results"][0]) == keys
    listed = json.loads(run("list", "--index", str(index), "--json").stdout)
    assert [row["name"] for row in listed["documents"]] == ["borealis-10k.html", "cascadia.pdf"]


def test_a_cover_can_be_corrected(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Revenue notes of a company.")
    file, into = str(tmp_path / "a.txt"), ["--index", str(tmp_path / "i")]
    done = run("add", file, *into, "--set", "company=Acme", "--set", "fiscal_year=2024", "--json")
    (row,) = json.loads(done.stdout)["documents"]
    assert (row["company"], row["fiscal_year"]) == ("Acme", 2024)
    assert run("add", str(tmp_path), *into, "--set", "colour=red").exit_code


@pytest.mark.parametrize(
    "given", [{"fiscal_year": "next"}, {"period_end": "31.12.2024"}, {"colour": "red"}, {"year_end": "12"}]
)
def test_a_part_of_a_cover_that_cannot_be_read_is_refused_with_what_to_write(given: dict[str, str]) -> None:
    with pytest.raises(UserError) as refused:
        library.settable(given)
    assert refused.value.fix


def test_a_file_of_questions_that_is_none_names_the_line(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_bytes(b'{"question": "Revenue?"}\n\xff\xfe nothing\n')
    with pytest.raises(UserError) as refused:
        exercises.questions_of(corpus, tmp_path / "q.jsonl", most=5)
    assert refused.value.where.endswith("line 2") and "question" in refused.value.fix
    assert exercises.questions_of(corpus, None, most=3)


def test_an_index_that_is_none_is_reported_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / store.FILE).write_bytes(b"this is no database, only text")
    advice = "delete it and add the documents again"
    with pytest.raises(store.IndexProblem, match=advice), store.opened(tmp_path):
        pass
    with pytest.raises(store.IndexProblem, match="finexpert docs add"), store.opened(tmp_path / "none"):
        pass


def test_an_index_goes_to_the_bucket_and_back(index: Path, tmp_path: Path) -> None:
    bucket = FakeS3()
    version = shelf.push(bucket, "b", index)
    assert shelf.push(bucket, "b", index) == version, "the same index is pushed once"
    assert shelf.pull(bucket, "b", tmp_path / "i") == version
    assert (tmp_path / "i" / store.FILE).read_bytes() == (index / store.FILE).read_bytes()


def test_an_index_that_is_here_already_is_not_fetched_again(index: Path, tmp_path: Path) -> None:
    bucket = FakeS3()
    version = shelf.push(bucket, "b", index)
    shelf.pull(bucket, "b", tmp_path)
    del bucket.objects[f"documents/{version}.sqlite"]
    assert shelf.pull(bucket, "b", tmp_path) == version


def test_a_damaged_index_replaces_nothing(index: Path, tmp_path: Path) -> None:
    bucket = FakeS3()
    version = shelf.push(bucket, "b", index)
    bucket.objects[f"documents/{version}.sqlite"] += b"x"
    with pytest.raises(UserError, match="damaged"):
        shelf.pull(bucket, "b", tmp_path)
    assert not list(tmp_path.iterdir())
