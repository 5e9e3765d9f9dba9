"""The doors through which a stranger's input comes in, and what holds at each when it is turned away.

An input knows its door: `offer` hands it in there and returns the answer. That it was refused,
that nothing was stored, left or sent, and that no stack trace came out is asserted here, for every row alike.
"""

import contextlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.httpsession

from core.dataset import DatasetError
from core.dataset.validation import ValidationSettings, validate
from core.evaluation.evaluation import EvaluationError
from core.evaluation.reading import read
from finexpert import paths
from finexpert.cli import main as cli
from localcloud.sagemaker import archive
from serving.engine import Engine, ModelError
from serving.settings import Settings as Serving
from tests.fakes.cloud import REGION, Cloud
from tests.unit.serving.serving_program import KEY, PATIENCE_SECONDS
from training.__main__ import main as train

Files = Mapping[str, bytes | str]
# A person's shell without anything of ours, that may not reach any cloud.
SHELL = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "COLUMNS": "400",
}


@dataclass(frozen=True)
class Desk:
    """Where inputs are handed in: a folder of the row's own, and a local endpoint that serves.

    folder: empty.
    port: of the local endpoint.
    """

    folder: Path
    port: int


@dataclass(frozen=True)
class Command:
    """Arguments of `finexpert`, with files in the folder where it is called."""

    arguments: tuple[str, ...]
    files: Files = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    door = "command line"

    def offer(self, desk: Desk) -> str:
        write(desk.folder, self.files)
        before, out, err = listing(desk.folder), io.StringIO(), io.StringIO()
        sent = mock.Mock(side_effect=AssertionError("a request was sent"))
        with (
            contextlib.chdir(desk.folder),
            mock.patch.dict(os.environ, {**SHELL, **self.environment}, clear=True),
            mock.patch.object(sys, "argv", ["finexpert", *self.arguments]),
            mock.patch.object(botocore.httpsession.URLLib3Session, "send", sent),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = exit_code(cli.main)
        told = out.getvalue() + err.getvalue()
        assert code in (1, 2), (code, told)
        assert "should not happen" not in told, told
        assert not sent.called
        assert listing(desk.folder) == before, "something was left"
        return told


@dataclass(frozen=True)
class Upload:
    """A dataset in S3 and hyperparameters, as the state machine gives them to validate-dataset."""

    files: Files = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = "s3://data/datasets/mine/"
    door = "state machine"

    def offer(self, desk: Desk) -> str:
        cloud = Cloud()
        for name, content in self.files.items():
            cloud.objects[("data", f"datasets/mine/{name}")] = encoded(content)
        before = dict(cloud.objects)
        settings = ValidationSettings(
            hyperparameters={}, region=REGION, instance_type="ml.g5.2xlarge", instances=1
        )
        event = {"dataset": self.dataset, "hyperparameters": self.hyperparameters}
        told = refused(DatasetError, lambda: validate(event, settings=settings, clients=cloud))
        assert cloud.objects == before
        assert {operation for operation, _ in cloud.log} <= {"ListObjectsV2", "GetObject"}
        return told


@dataclass(frozen=True)
class Output:
    """What a training job left as output.tar.gz, as read-evaluation finds it."""

    content: bytes
    door = "quality gate"

    def offer(self, desk: Desk) -> str:
        cloud = Cloud()
        cloud.objects[("artifacts", "runs/r/output/output.tar.gz")] = self.content
        before = dict(cloud.objects)
        job = {"ModelArtifacts": {"S3ModelArtifacts": "s3://artifacts/runs/r/output/model.tar.gz"}}
        event = {"run": "r", "training_job": job, "admission": {"usd_per_hour": 1.515}}
        told = refused(EvaluationError, lambda: read(event, bucket="artifacts", region=REGION, clients=cloud))
        assert cloud.objects == before, "something was stored"
        return told


@dataclass(frozen=True)
class Job:
    """What a training job finds below /opt/ml; `base` replaces or adds files of good base weights."""

    settings: Mapping[str, Any] | bytes = field(default_factory=dict)
    files: Files = field(default_factory=lambda: {"a.txt": GOOD_TEXT})  # type: ignore[has-type]
    base: Files = field(default_factory=dict)
    without: tuple[str, ...] = ()
    adapter: Files = field(default_factory=dict)
    door = "training container"

    def offer(self, desk: Desk) -> str:
        config = self.settings if isinstance(self.settings, bytes) else json.dumps(self.settings).encode()
        data = desk.folder / "input" / "data"
        shutil.copytree(paths.BASE_MODEL, data / "model")
        write(desk.folder / "input" / "config", {"hyperparameters.json": config})
        write(data / "training", self.files)
        write(data / "model", self.base)
        write(data / "adapter", self.adapter)
        for name in self.without:
            (data / "model" / name).unlink()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        out, err = io.StringIO(), io.StringIO()
        try:
            with (
                mock.patch.dict(os.environ, {**SHELL, "SAGEMAKER_BASE_DIR": str(desk.folder)}, clear=True),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                assert train() == 1
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        told = (desk.folder / "output" / "failure").read_text()
        assert len(told) <= 1024 and "Unexpected" not in told, told
        assert "Traceback" not in err.getvalue(), err.getvalue()
        assert not list((desk.folder / "model").glob("*")), "a model was left"
        return told


@dataclass(frozen=True)
class Request:
    """An HTTP request to the local endpoint; `raw` is sent as it stands.

    What is no HTTP does not reach the endpoint's program: the library that reads HTTP answers it, without
    a body.
    """

    body: Any = None
    path: str = "/invocations"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    raw: bytes = b""
    method: str = "POST"
    door = "endpoint"

    def offer(self, desk: Desk) -> str:
        status, told = self._raw(desk.port) if self.raw else self._sent(desk.port)
        assert 400 <= status < 500, (status, told)
        if self.raw and status == 400 and not told:
            told = '{"error": "no HTTP", "code": 400}'
        assert set(json.loads(told)) == {"error", "code"}, told
        healthy, adapters = Request(method="GET", path="/adapters")._sent(desk.port)
        assert (healthy, json.loads(adapters)) == (200, []), "it must serve on, without an adapter more"
        return f"{status} {json.loads(told)['error']}"

    def _sent(self, port: int) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Authorization": f"Bearer {KEY}", **dict(self.headers)}
        connection.request(self.method, self.path, body, headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def _raw(self, port: int) -> tuple[int, str]:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(self.raw)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read().decode()


@dataclass(frozen=True)
class Adapter:
    """Files of an adapter that the endpoint is asked to load."""

    files: Files
    door = "endpoint"

    def offer(self, desk: Desk) -> str:
        write(desk.folder, self.files)
        return Request({"name": "mine", "src": str(desk.folder)}, path="/adapters").offer(desk)


@dataclass(frozen=True)
class Model:
    """Files that the endpoint's program finds as its model; its tokenizer is good."""

    files: Files
    door = "endpoint's start"

    def offer(self, desk: Desk) -> str:
        write(desk.folder / "model", self.files)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(paths.BASE_MODEL / name, desk.folder / "model")
        settings = Serving.from_environment({"SAGEMAKER_BASE_DIR": str(desk.folder)})
        return refused(ModelError, lambda: Engine(settings))


@dataclass(frozen=True)
class Artifact:
    """An adapter component's archive, as the embedded cloud unpacks it."""

    content: bytes
    door = "embedded cloud"

    def offer(self, desk: Desk) -> str:
        (desk.folder / "theirs").write_text("kept")
        told = refused(
            archive.UnsafeArchive, lambda: archive.unpack(io.BytesIO(self.content), desk.folder / "in")
        )
        assert {path.name for path in desk.folder.iterdir()} <= {"theirs", "in"}, "it reached out"
        assert (desk.folder / "theirs").read_text() == "kept"
        return told


Given = Command | Upload | Output | Job | Request | Adapter | Model | Artifact

GOOD_TEXT = "\n\n".join(
    f"In quarter {n} net revenue rose by {n} percent to {7 * n} million." for n in range(40)
)


def refused(kind: type[Exception], call: Any) -> str:
    """The message of the exception that a function of the state machine ends with."""
    try:
        answer = call()
    except kind as error:
        return str(error)
    raise AssertionError(f"it was taken: {answer}")


def exit_code(command: Any) -> int:
    """How a command line ends."""
    try:
        command()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def write(folder: Path, files: Files) -> None:
    """Files below a folder, which is made."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encoded(content))


def encoded(content: bytes | str) -> bytes:
    """Text as UTF-8."""
    return content.encode() if isinstance(content, str) else content


def listing(folder: Path) -> dict[str, int]:
    """The files below a folder with their sizes."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*"))}
