"""Every failure ends with a reason and a remedy: a table of failures, and random inputs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.failures import LONGEST_REASON, TrainingFailure, describe, is_expected
from core.hyperparameters import parse
from tests.fakes.training_jobs import finish, start
from training import __main__ as program
from training.job import preparation
from training.job.channels import Channels
from training.job.preparation import read_request
from training.loop import checkpoints
from training.model.model import AdaptedModel

Job = Callable[..., Path]


@pytest.mark.parametrize(
    ("error", "reason", "remedy"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "Memory ran out", "gradient_checkpointing"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:125] DefaultCPUAllocator: can't allocate memory"),
            "Memory ran out",
            "per_device_train_batch_size",
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), "Memory ran out", "larger instance"),
        (OSError(28, "No space left on device", "/x/step.partial"), "disk is full", "volume_gb"),
        (
            RuntimeError("[gloo/transport/tcp/pair.cc:544] Connection closed by peer [10.0.0.2]:41820"),
            "Another process of this job was lost",
            "Start the job again",
        ),
        (
            torch.distributed.DistBackendError("NCCL error: remote process exited"),
            "Another process of this job was lost",
            "checkpoints",
        ),
        (TrainingFailure("the loss became nan", where="training", remedy="Lower it"), "nan", "Lower it"),
        (TrainingFailure("w" * 2000, where="here", remedy="this"), "here: w", ""),
        (MemoryError(), "Memory ran out", "per_device_train_batch_size"),
        (PermissionError(13, "Permission denied", "/opt/ml/input"), "/opt/ml/input: Permission denied", ""),
        (ZeroDivisionError("x"), "Unexpected ZeroDivisionError: x", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_end_has_a_reason_and_a_remedy(error: Exception, reason: str, remedy: str) -> None:
    said = describe(error)
    assert reason in said
    assert remedy in said
    assert len(said) <= LONGEST_REASON


@pytest.mark.parametrize("name", ["int8_quantization", "load_in_4bit"])
def test_a_quantized_base_is_refused_before_weights_load_where_its_library_lacks(
    job: Job, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(preparation, "find_spec", lambda package: None)
    base = job(**{name: "True"})
    shutil.rmtree(base / "input" / "data" / "model")  # not even looked at
    with pytest.raises(TrainingFailure, match=f"{name} is True, and bitsandbytes is not installed"):
        read_request(Channels(base))


def test_int4_is_refused_where_there_is_no_gpu(weights: Path) -> None:
    with pytest.raises(TrainingFailure, match="load_in_4bit is True, and this instance has no GPU"):
        AdaptedModel(weights, parse({"load_in_4bit": "True"}), torch.device("cpu"))


def test_a_full_disk_still_leaves_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = Channels(tmp_path)
    channels.checkpoints.mkdir()
    half_written = channels.checkpoints / "step-00000001-00.partial"
    half_written.write_bytes(b"x" * 1000)
    write = program.write_atomically

    def only_with_room(file: Path, text: str) -> None:
        if half_written.exists():
            raise OSError(28, "No space left on device", str(file))
        write(file, text)

    monkeypatch.setattr(program, "write_atomically", only_with_room)
    program._leave_reason(channels, "The disk is full")
    assert channels.failure.read_text() == "The disk is full"
    assert not half_written.exists()


def test_a_disk_that_fills_up_while_a_checkpoint_is_written(tmp_path: Path) -> None:
    """A real full disk: /dev/full takes nothing."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    partial = tmp_path / "step-00000001-0123456789abcdef.partial"
    partial.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught, partial.open("wb") as stream:
        stream.write(b"x" * 10_000)
        stream.flush()
    caught.value.filename = str(partial)
    assert "disk is full" in describe(caught.value)
    assert list(checkpoints.candidates(tmp_path)) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FILES = (
    "input/config/hyperparameters.json",
    "input/config/resourceconfig.json",
    "input/data/model/config.json",
    "input/data/model/model.safetensors",
    "input/data/model/model.safetensors.index.json",
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(FILES),
    content=st.binary(max_size=80) | anything.map(lambda value: json.dumps(value).encode()),
    length=st.none() | st.integers(0, 200),
)
def test_no_input_ends_a_request_without_a_reason(
    job: Job, tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, length: int | None
) -> None:
    base = tmp_path_factory.getbasetemp() / "fuzzed"
    if not base.exists():
        job("fuzzed").rename(base)
    file = base / name
    before = file.read_bytes() if file.exists() else None
    try:
        if length is not None:  # as a safetensors file would begin
            content = length.to_bytes(8, "little") + content
        file.write_bytes(content)
        channels = Channels(base)
        try:
            program.placement(channels.resources(), 0, {})
            read_request(channels)
        except Exception as error:
            assert is_expected(error), describe(error)
    finally:
        file.unlink() if before is None else file.write_bytes(before)


def test_a_program_that_fails_says_so_in_one_line_and_one_file(job: Job) -> None:
    base = job()
    (base / "input" / "config" / "resourceconfig.json").write_text('{"hosts": [], "current_host": 3}')
    code, _, err = finish(start(base))
    reason = (base / "output" / "failure").read_text()
    assert code == 1
    assert "resourceconfig.json" in reason
    assert err.strip() == reason


class Panic(BaseException):
    """What pyo3 raises where Rust panics: no Exception."""


def test_a_library_that_panics_leaves_its_reason_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def panics(channels: Channels) -> None:
        raise Panic("called `Option::unwrap()` on a `None` value")

    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setattr(program, "_launch_or_run", panics)
    assert program.main() == program.FAILED
    assert "Option::unwrap" in Channels.from_environment().failure.read_text()


def test_ctrl_c_is_no_failure_of_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(channels: Channels) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setattr(program, "_launch_or_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        program.main()
    assert not Channels.from_environment().failure.exists()
