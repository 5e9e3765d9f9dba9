"""`finexpert evaluate` with the real program: what a job left is measured once more, with new questions."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finexpert.service.evaluation import rescoring
from finexpert.service.evaluation.rescoring import Sources
from tests.fakes.training_jobs import evaluated


class Folder:
    """A folder as a bucket: what of S3's client is used here."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get_paginator(self, operation: str) -> "Folder":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        files = [file for file in sorted((self.root / Prefix).rglob("*")) if file.is_file()]
        names = [(file.relative_to(self.root).as_posix(), file.stat().st_size) for file in files]
        return [{"Contents": [{"Key": name, "Size": size} for name, size in names]}]

    def download_file(self, bucket: str, key: str, path: str) -> None:
        shutil.copy(self.root / key, path)


def test_the_figures_are_the_same_and_new_questions_asked(job: Callable[..., Path], tmp_path: Path) -> None:
    base = job(evaluation_items="3")
    first = evaluated(base)
    with tarfile.open(base / "model.tar.gz", "w:gz") as archive:
        for file in (base / "model").iterdir():
            archive.add(file, file.name)
    questions = tmp_path / "mine.jsonl"
    questions.write_text("".join(f'{{"question": "What is {n}?", "answer": "{n}"}}\n' for n in range(3)))
    folder = tmp_path / "again"
    rescoring.gather(
        Folder(base),
        Sources("s3://b/input/data/training/", "s3://b/input/data/model/", "s3://b/model.tar.gz"),
        folder=folder,
        questions=questions,
        settings=first["settings"],
        base_model=None,
        download=False,
    )
    lines: list[str] = []
    measured = rescoring.run_program(folder, os.environ | {"OMP_NUM_THREADS": "1"}, lines.append)
    assert rescoring.same_data(measured, first)
    document = rescoring.completed(measured, first)
    assert document["primary"] == first["primary"]
    assert (document["passed"], document["settings"]) == (first["passed"], first["settings"])
    (own,) = [metric for metric in document["metrics"] if metric["name"] == "own_exact_match"]
    assert own["items"] == 3
    assert "own_exact_match" in {entry["name"] for entry in first["not_measured"]}
    assert any('"phase"' in line for line in lines)
    rescoring.write(document, tmp_path / "out")
    assert document["verdict"] in (tmp_path / "out" / "report.html").read_text()
