"""Archives, S3 paths, checkpoints, the /opt/ml folder, logs and metrics from them."""

import io
import json
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localcloud.sagemaker import archive, s3_files
from localcloud.sagemaker.log_stream import LogStream, find_metrics
from localcloud.sagemaker.opt_ml import OptMl
from tests.fakes.archives import packed, special
from tests.fakes.s3 import FakeS3

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_archives_of_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    results = []
    for name in ("a", "b"):
        folder = tmp_path / name
        for path in ("z.txt", "sub/y.txt", "a.txt")[:: 1 if name == "a" else -1]:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(path)
        os.utime(folder / "a.txt", (1, 1 if name == "a" else 10**9))
        archive.pack(folder, tmp_path / f"{name}.tar.gz")
        results.append((tmp_path / f"{name}.tar.gz").read_bytes())
    assert results[0] == results[1]
    with tarfile.open(tmp_path / "a.tar.gz") as opened:
        assert opened.getnames() == ["a.txt", "sub/y.txt", "z.txt"]


def test_links_are_followed_inside_and_never_out(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("theirs")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "real.txt").write_text("mine")
    (folder / "inside.txt").symlink_to("real.txt")
    (folder / "out.txt").symlink_to(tmp_path / "secret")
    (folder / "dir").symlink_to(tmp_path / "outside")
    assert archive.pack(folder, tmp_path / "x.tar.gz") == ["dir", "out.txt"]
    with tarfile.open(tmp_path / "x.tar.gz") as opened:
        assert sorted(opened.getnames()) == ["inside.txt", "real.txt"]
        assert all(member.isreg() for member in opened)


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "sub/../../out.txt"])
def test_an_archive_that_reaches_out_is_refused(tmp_path: Path, name: str) -> None:
    content = io.BytesIO(packed((name, b"x")))
    folder = tmp_path / "in"
    with pytest.raises(archive.UnsafeArchive, match="leads out"):
        archive.unpack(content, folder)
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.parts[0] == "in" for path in written), written
    assert not Path("/etc/out.txt").exists()


def test_links_in_an_archive_are_refused(tmp_path: Path) -> None:
    content = io.BytesIO(packed(special("passwords", tarfile.SYMTYPE, "/etc/passwd")))
    with pytest.raises(archive.UnsafeArchive, match="neither a file nor a folder"):
        archive.unpack(content, tmp_path / "in")


def test_what_was_packed_comes_out_again(tmp_path: Path) -> None:
    (tmp_path / "model/sub").mkdir(parents=True)
    (tmp_path / "model/sub/x.bin").write_bytes(bytes(range(256)))
    archive.pack(tmp_path / "model", tmp_path / "x.tar.gz")
    with (tmp_path / "x.tar.gz").open("rb") as packed:
        archive.unpack(packed, tmp_path / "out")
    assert (tmp_path / "out/sub/x.bin").read_bytes() == bytes(range(256))


def test_a_bomb_and_junk_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zeros").mkdir()
    (tmp_path / "zeros/file").write_bytes(bytes(2_000_000))
    archive.pack(tmp_path / "zeros", tmp_path / "bomb.tar.gz")
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1_000_000)
    limit = pytest.raises(archive.UnsafeArchive, match="more than")
    with (tmp_path / "bomb.tar.gz").open("rb") as bomb, limit:
        archive.unpack(bomb, tmp_path / "out")
    assert not (tmp_path / "out/file").exists()
    with pytest.raises(archive.UnsafeArchive, match=r"not a tar\.gz"):
        archive.unpack(io.BytesIO(b"junk"), tmp_path / "out")
    half = (tmp_path / "bomb.tar.gz").read_bytes()[:500]
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 10**9)
    with pytest.raises(archive.UnsafeArchive, match=r"not a tar\.gz"):
        archive.unpack(io.BytesIO(half), tmp_path / "out")


@pytest.mark.parametrize(
    ("key", "prefix", "expected"),
    [
        ("data/a/b.txt", "data/a/", "b.txt"),
        ("data/a/b.txt", "data/a", "a/b.txt"),
        ("data/a/b.txt", "data/a/b.txt", "b.txt"),
        ("data/abc.txt", "data/a", "abc.txt"),
        ("b.txt", "", "b.txt"),
    ],
)
def test_where_an_object_of_a_prefix_lands(key: str, prefix: str, expected: str) -> None:
    assert s3_files.relative_path(key, prefix) == expected


def test_a_prefix_is_fetched_without_folder_markers(tmp_path: Path) -> None:
    s3 = FakeS3({"d/": b"", "d/x.txt": b"1", "d/sub/": b"", "d/sub/y.txt": b"2", "other": b"3"})
    assert s3_files.download_prefix(s3, "s3://b/d/", tmp_path) == 2
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"x.txt", "sub/y.txt"}


def test_a_key_that_leads_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(s3_files.DataError, match="leads out"):
        s3_files.download_prefix(FakeS3({"d/../../x": b"1"}), "s3://b/d/", tmp_path / "in")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("uri", ["bucket/key", "https://bucket/key", "s3://", "s3:///key"])
def test_what_is_no_s3_uri_is_said(uri: str) -> None:
    with pytest.raises(s3_files.DataError, match="must look like s3://bucket/prefix"):
        s3_files.split_uri(uri)


def test_checkpoints_are_stored_when_they_change_and_only_then(tmp_path: Path) -> None:
    s3 = FakeS3({"c/old.txt": b"old"})
    reports: list[Any] = []
    sync = s3_files.FolderSync(s3, tmp_path, "s3://b/c", reports.append)
    sync.fetch()
    assert (tmp_path / "old.txt").read_bytes() == b"old"
    sync.store()
    assert s3.uploads == [], "what came from S3 need not go back"
    (tmp_path / "step.txt").write_text("1")
    sync.store()
    sync.store()
    assert s3.uploads == ["c/step.txt"]
    (tmp_path / "step.txt").write_text("22")
    (tmp_path / "old.txt").unlink()
    sync.store()
    assert s3.uploads == ["c/step.txt", "c/step.txt"]
    assert s3.objects == {"c/old.txt": b"old", "c/step.txt": b"22"}, "what is deleted here stays there"
    assert reports == []


def test_a_checkpoint_that_cannot_be_stored_is_reported_and_tried_again(tmp_path: Path) -> None:
    class Broken(FakeS3):
        def upload_file(self, path: str | Path, bucket: str, key: str, ExtraArgs: Any = None) -> None:
            if not reports:
                raise RuntimeError("denied")
            super().upload_file(path, bucket, key)

    reports: list[str] = []
    s3 = Broken({})
    sync = s3_files.FolderSync(s3, tmp_path, "s3://b/c/", reports.append)
    (tmp_path / "step.txt").write_text("1")
    sync.store()
    assert reports == ["Checkpoint step.txt was not stored: denied"]
    sync.store()
    assert s3.objects == {"c/step.txt": b"1"}


def test_the_folder_command_and_environment_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    job = {
        "TrainingJobName": "run",
        "TrainingJobArn": "arn:x",
        "HyperParameters": {"epoch": "5"},
        "AlgorithmSpecification": {
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "/opt/ml/input/data/code/x.py"],
            "ContainerArguments": ["--out", "/opt/ml/model"],
        },
        "InputDataConfig": [
            {"ChannelName": "code", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/c/"}}},
            {
                "ChannelName": "text",
                "InputMode": "FastFile",
                "DataSource": {"S3DataSource": {"S3Uri": "s3://b/t/"}},
            },
        ],
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1},
        "Environment": {"PYTHONPATH": "/opt/ml/input/data/code/app.zip", "TRAINING_JOB_NAME": "mine"},
    }
    files = OptMl(tmp_path / "job")
    files.lay_out(job)
    read = {path.stem: json.loads(path.read_text()) for path in (files.root / "input/config").iterdir()}
    assert read["hyperparameters"] == {"epoch": "5"}
    assert read["inputdataconfig"]["text"]["TrainingInputMode"] == "FastFile"
    assert read["inputdataconfig"]["code"]["TrainingInputMode"] == "File"
    assert read["resourceconfig"]["current_host"] == "algo-1"
    program = f"{files.root}/input/data/code/x.py"
    assert files.command(job) == ["python", program, "--out", f"{files.root}/model"]
    environment = files.environment(job, {"AWS_REGION": "eu-west-1"})
    assert environment["PYTHONPATH"] == f"{files.root}/input/data/code/app.zip"
    assert environment["SAGEMAKER_BASE_DIR"] == str(files.root)
    assert environment["TRAINING_JOB_ARN"] == job["TrainingJobArn"]
    assert not [name for name in environment if name.startswith("SM_")], "AWS's toolkit does not run"
    assert environment["TRAINING_JOB_NAME"] == "mine", "the job's own environment wins"
    assert environment["AWS_REGION"] == "eu-west-1"
    assert "SECRET_OF_THE_HOST" not in environment


DEFINITIONS = [
    {"Name": "loss", "Regex": r'"loss": ([0-9.e+-]+)'},
    {"Name": "word", "Regex": r"step (\w+)"},
    {"Name": "no group", "Regex": "loss"},
]


def test_metrics_are_found_as_numbers_only() -> None:
    found = find_metrics('{"loss": 2.5e-1, "step": 3}', DEFINITIONS, NOW)
    assert [(one.name, one.value) for one in found] == [("loss", 0.25)]
    assert find_metrics("step three", DEFINITIONS, NOW) == []


def test_a_log_is_sent_line_by_line_as_it_grows(tmp_path: Path, fake: Any) -> None:
    path = tmp_path / "log.txt"
    seen: list[str] = []
    log = LogStream(path, "group", "stream", lambda line, _: seen.append(line))
    log.pump(NOW)
    path.write_bytes(b"one\ntw")
    log.pump(NOW)
    assert seen == ["one"]
    path.write_bytes(b"one\ntwo\n\nbar 10%\rbar 20%\r\xff half")
    log.pump(NOW)
    log.pump(NOW, last=True)
    expected = ["one", "two", "bar 10%", "bar 20%", "\N{REPLACEMENT CHARACTER} half"]
    assert seen == expected
    assert fake.lines == [("group", "stream", line) for line in expected]
