"""A dataset on its way to S3."""

from pathlib import Path
from typing import Any

import pytest

from finexpert.errors import ExitCode, UserError
from finexpert.service.runs import datasets
from tests.fakes import deployment as fakes
from tests.fakes.s3 import FakeS3

RECIPE = {"epoch": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    (tmp_path / "Q3 Reports!" / "deep").mkdir(parents=True)
    root = tmp_path / "Q3 Reports!"
    (root / "a.txt").write_text("one\n\ntwo")
    (root / "deep" / "b.jsonl").write_text('{"text": "three"}\n')
    (root / "README.md").write_text("not data")
    (root / ".hidden.txt").write_text("not data either")
    return root


def test_only_data_is_uploaded_under_a_name_made_of_folder_and_content(folder: Any) -> None:
    s3 = FakeS3()
    uri = datasets.upload(s3, bucket="b", path=folder)
    assert uri.startswith("s3://b/datasets/q3-reports-")
    prefix = uri.removeprefix("s3://b/")
    assert sorted(s3.objects) == [f"{prefix}a.txt", f"{prefix}deep/b.jsonl"]


def test_the_same_data_is_uploaded_once_and_other_data_elsewhere(folder: Any) -> None:
    s3 = FakeS3()
    first = datasets.upload(s3, bucket="b", path=folder)
    assert datasets.upload(s3, bucket="b", path=folder) == first
    assert len(s3.uploads) == 2
    (folder / "a.txt").write_text("one\n\ntoo")
    assert datasets.upload(s3, bucket="b", path=folder) != first


def test_a_named_dataset_holds_exactly_the_newest_files(folder: Any) -> None:
    s3 = FakeS3()
    uri = datasets.upload(s3, bucket="b", path=folder, name="Mine")
    assert uri == "s3://b/datasets/mine/"
    (folder / "a.txt").rename(folder / "c.txt")
    datasets.upload(s3, bucket="b", path=folder, name="Mine")
    assert sorted(s3.objects) == ["datasets/mine/c.txt", "datasets/mine/deep/b.jsonl"]


def test_a_single_file_is_a_dataset(folder: Any) -> None:
    s3 = FakeS3()
    uri = datasets.upload(s3, bucket="b", path=folder / "a.txt")
    assert list(s3.objects) == [f"{uri.removeprefix('s3://b/')}a.txt"]


@pytest.mark.parametrize("text", ["s3://", "s3://b", "s3:/b/c/", "s3://Bad_Bucket/x/"])
def test_a_malformed_uri_is_wrong_usage(text: Any) -> None:
    with pytest.raises(UserError) as refused:
        datasets.is_s3_uri(text)
    assert refused.value.code is ExitCode.USAGE


def test_uris_and_paths_are_told_apart() -> None:
    assert datasets.is_s3_uri("s3://bucket/data/")
    assert not datasets.is_s3_uri("reports/")


def test_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file") as refused:
        datasets.check(tmp_path / "none", RECIPE)
    assert refused.value.code is ExitCode.USAGE


def test_bad_hyperparameters_are_reported_before_any_data_is_read(folder: Any) -> None:
    with pytest.raises(UserError, match="epoch") as refused:
        datasets.check(folder, {"epoch": "many"})
    assert refused.value.where == "hyperparameters"


@pytest.mark.parametrize(("name", "quoted"), [("empty.txt", "{}"), ("board memo.txt", "'{}'")])
def test_unusable_data_ends_with_the_command_to_look_again_which_can_be_pasted(
    tmp_path: Path, name: str, quoted: str
) -> None:
    empty = tmp_path / name
    empty.write_text("\n")
    with pytest.raises(UserError, match="cannot be used") as refused:
        datasets.require_usable(datasets.check(empty, RECIPE), empty)
    assert refused.value.fix.endswith(f"finexpert data check {quoted.format(empty)}")


def test_a_name_is_never_empty() -> None:
    assert datasets.slug("…") == "dataset"
    assert datasets.slug("Annual Report (2026).v2") == "annual-report-2026-v2"


def deployment(client: Any, *, is_local: bool = True) -> Any:
    return fakes.deployment(
        client, output="b", local=is_local, hyperparameters={"epoch": "2"}, served_rank=64
    )


def written(folder: Path, documents: int) -> Path:
    file = folder / "letters.txt"
    text = "Revenue of segment {0} rose by {0} percent in the quarter, and costs fell by {1} million."
    file.write_text("\n\n".join(text.format(n, n * 7) for n in range(documents)))
    return file


def test_a_run_that_the_gate_would_refuse_anyway_is_not_started(tmp_path: Path) -> None:
    def nothing(service: str) -> Any:
        raise AssertionError("something was asked of AWS")

    with pytest.raises(UserError, match="2 documents are held out and 6 are needed") as told:
        datasets.ready(deployment(nothing), str(written(tmp_path, 11)), {})
    assert "validation_split_ratio" in told.value.fix and "--unjudged" in told.value.fix


def test_who_wants_it_trains_without_a_verdict(tmp_path: Path) -> None:
    uri, report = datasets.ready(deployment(FakeS3()), str(written(tmp_path, 11)), {}, unjudged=True)
    assert uri.startswith("s3://b/datasets/letters-") and report and report.validation_documents == 2


def test_enough_documents_are_trained_on_without_a_word(tmp_path: Path) -> None:
    _, report = datasets.ready(deployment(FakeS3()), str(written(tmp_path, 60)), {})
    assert report and report.power and report.power.enough


def test_check_and_train_count_with_one_tokenizer(tmp_path: Path) -> None:
    there, file = deployment(FakeS3()), written(tmp_path, 60)
    _, trained = datasets.ready(there, str(file), {})
    checked = datasets.check(file, {"epoch": "2"}, counter=datasets.counter_for(there.target))
    assert trained == checked and "counted by the tokenizer" in checked.tokens_assumption
    assert datasets.counter_for(deployment(None, is_local=False).target) is None
