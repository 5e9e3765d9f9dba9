"""Scoring a run again: what is fetched, how the training program is asked, and how the command ends."""

import json
from pathlib import Path
from typing import Any, Self

import pytest

from finexpert.errors import ExitCode, UserError
from finexpert.service.evaluation import rescoring
from finexpert.service.evaluation.rescoring import Sources
from tests.fakes.archives import packed

FOUND = Sources(
    "s3://data/datasets/mine/", "s3://data/base-model/", "s3://artifacts/runs/r/output/model.tar.gz"
)
QUESTION = '{"question": "How much?", "answer": "4"}\n'


class Bucket:
    """What of S3 is used here, over objects held in memory."""

    def __init__(self, objects: dict[tuple[str, str], bytes]) -> None:
        self.objects = objects

    def get_paginator(self, operation: str) -> Self:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        sizes = {k: len(v) for (of, k), v in self.objects.items() if of == Bucket and k.startswith(Prefix)}
        return [{"Contents": [{"Key": key, "Size": size} for key, size in sizes.items()]}]

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_bytes(self.objects[(bucket, key)])


@pytest.fixture
def s3() -> Bucket:
    files = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"weights", "notes.txt": b"?"}
    return Bucket(
        {
            ("data", "datasets/mine/reports.txt"): b"Revenue rose.",
            ("data", "datasets/mine/questions.jsonl"): b"old",
            ("data", "datasets/mine/validation/v.txt"): b"It fell.",
            ("data", "base-model/config.json"): b"{}",
            ("artifacts", "runs/r/output/model.tar.gz"): packed(*files.items()),
        }
    )


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    file = tmp_path / "mine.jsonl"
    file.write_text(QUESTION)
    return file


def gather(s3: Bucket, folder: Path, questions: Path, **options: Any) -> Path:
    settings = {"epoch": "5", "max_steps": "-1", "lora_r": "8"}
    given = {"settings": settings, "base_model": None, "download": False} | options
    rescoring.gather(s3, FOUND, folder=folder, questions=questions, **given)
    return folder / "input" / "data"


def test_a_jobs_folder_is_laid_out_for_zero_steps_of_it(s3: Bucket, questions: Path, tmp_path: Path) -> None:
    channels = gather(s3, tmp_path / "job", questions)
    assert (channels / "training" / "reports.txt").read_text() == "Revenue rose."
    assert (channels / "training" / "validation" / "v.txt").is_file()
    assert (channels / "training" / "questions.jsonl").read_text() == QUESTION
    assert (channels / "model" / "config.json").is_file()
    assert sorted(file.name for file in (channels / "adapter").iterdir()) == sorted(rescoring.ADAPTER_FILES)
    settings = json.loads((tmp_path / "job" / "input" / "config" / "hyperparameters.json").read_text())
    assert settings == {"epoch": "5", "max_steps": "0", "lora_r": "8"}


def test_large_base_weights_are_fetched_only_when_asked(
    s3: Bucket, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescoring, "MOST_BYTES", 1)
    with pytest.raises(UserError, match="base weights have 2 B") as caught:
        gather(s3, tmp_path / "refused", questions)
    assert "--base-model" in caught.value.fix and "--download" in caught.value.fix
    assert (gather(s3, tmp_path / "asked", questions, download=True) / "model" / "config.json").is_file()
    own = tmp_path / "llama"
    own.mkdir()
    channels = gather(s3, tmp_path / "own", questions, base_model=own)
    assert (channels / "model").resolve() == own.resolve()


def test_what_is_no_longer_there_is_named(s3: Bucket, questions: Path, tmp_path: Path) -> None:
    del s3.objects[("data", "base-model/config.json")]
    with pytest.raises(UserError, match="no longer there") as caught:
        gather(s3, tmp_path / "job", questions)
    assert caught.value.where == FOUND.base_model


@pytest.mark.parametrize(
    "content", [b"no archive", packed(("other", b"x"))], ids=["torn", "without an adapter"]
)
def test_an_artifact_without_an_adapter_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.tar.gz"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.tar\.gz"):
        rescoring.unpack_adapter(file, tmp_path / "adapter")


def test_a_key_that_leads_out_of_its_folder_is_refused(s3: Bucket, questions: Path, tmp_path: Path) -> None:
    s3.objects[("data", "datasets/mine/../../../out.txt")] = b"x"
    with pytest.raises(UserError, match="leads out"):
        gather(s3, tmp_path / "job", questions)


def test_questions_that_cannot_be_used_are_named_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(QUESTION + '{"question": "How much?"}\n')
    with pytest.raises(UserError, match=r"line 2.*answer") as caught:
        rescoring.read_questions(file)
    renamed = file.rename(tmp_path / "q_natural.jsonl")
    with pytest.raises(UserError, match=r"q_natural.jsonl, line 2"):
        rescoring.read_questions(renamed)
    assert caught.value.code is ExitCode.USAGE
    file.write_text("")
    with pytest.raises(UserError, match="there are none"):
        rescoring.read_questions(file)
    with pytest.raises(UserError, match="no such file"):
        rescoring.read_questions(tmp_path / "absent.jsonl")


def test_a_failing_program_ends_with_the_reason_that_it_left(tmp_path: Path) -> None:
    """The real program: this folder has no channels."""
    import os

    with pytest.raises(UserError, match="channel is missing or empty"):
        rescoring.run_program(tmp_path, os.environ, lambda line: None)


def test_the_new_measurement_keeps_what_the_run_says_of_its_training() -> None:
    unpaid: Any = {"cost": {"usd": None}}
    measured = {"passed": True, "training": {"steps": 0}, "settings": {"max_steps": "0"}} | unpaid
    paid: Any = {"cost": {"usd": 0.3}}
    of_run = {"passed": False, "training": {"steps": 96}, "settings": {"max_steps": "-1"}} | paid
    assert rescoring.completed(measured, of_run) == of_run | {"passed": True}
