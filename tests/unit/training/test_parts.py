"""Parts of the job that need no model: schedule, events, checkpoints on disk, folders, several processes."""

import io
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.failures import TrainingFailure
from core.hyperparameters import parse
from training.host.distributed import World
from training.host.events import Events
from training.job.channels import Channels, write_atomically
from training.loop import checkpoints
from training.loop.checkpoints import Checkpoint
from training.loop.schedule import plan, rate_factor
from training.model.base import choose_precision


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_an_epoch_takes_a_row_once(rows: int, size: int, accumulate: int, world: int, epochs: int) -> None:
    settings = {
        "per_device_train_batch_size": size,
        "epoch": epochs,
        "gradient_accumulation_steps": accumulate,
    }
    course = plan(rows, world, parse(settings))
    assert course.steps == course.steps_per_epoch * epochs
    for epoch in range(epochs):
        first = epoch * course.steps_per_epoch
        taken = [row for step in range(first, first + course.steps_per_epoch) for row in course.rows_of(step)]
        assert sorted(taken) == list(range(rows))
    assert all(len(course.rows_of(step)) <= size * accumulate * world for step in range(course.steps))


def test_epochs_differ_in_order_and_seeds_too() -> None:
    course = plan(50, 1, parse({"per_device_train_batch_size": "50"}))
    other = plan(50, 1, parse({"per_device_train_batch_size": "50", "seed": "11"}))
    assert course.rows_of(0) != course.rows_of(1)
    assert course.rows_of(0) != other.rows_of(0)


def test_max_steps_ends_the_course_early_or_late() -> None:
    assert plan(50, 1, parse({"max_steps": "3"})).steps == 3


@given(st.sampled_from(["linear", "cosine", "constant"]), st.integers(1, 200), st.floats(0, 0.9))
def test_rates_stay_between_zero_and_the_set_one(kind: str, steps: int, warmup: float) -> None:
    settings = parse({"lr_scheduler_type": kind, "warmup_ratio": warmup})
    rates = [rate_factor(step, steps, settings) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_events_keep_time_and_count_money() -> None:
    now = iter([0.0, 1.0, 3.0, 3600.0, 3600.0])
    stream = io.StringIO()
    events = Events(stream=stream, usd_per_hour=1.515, clock=lambda: next(now))
    events.phase("start")
    events.phase("train")
    assert events.seconds == {"start": 2.0}
    assert events.usd == pytest.approx(1.515)
    events.emit("step", loss=float("nan"), step=1)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[1] == {"event": "phase", "phase": "train", "seconds": 3.0}
    assert lines[2] == {"event": "step", "loss": None, "step": 1}


def test_without_a_price_the_cost_is_unknown_not_zero() -> None:
    assert Events(stream=io.StringIO()).usd is None


def test_an_event_and_the_end_of_its_line_are_written_at_once() -> None:
    """Else, unbuffered, what another process writes to the same log comes in between."""
    written: list[str] = []

    class Recording(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    Events(stream=Recording()).log("heard")
    assert written == ['{"event": "log", "message": "heard"}\n']


def test_other_processes_are_silent() -> None:
    stream = io.StringIO()
    Events(stream=stream, enabled=False).log("not heard")
    assert stream.getvalue() == ""


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(
        step=step,
        fingerprint="print",
        tensors={"adapter/a": torch.full((3,), float(step))},
        curve=[{"step": step}],
        global_batch=4,
    )


def test_checkpoints_come_back_newest_first(tmp_path: Path) -> None:
    for step in (2, 4, 6):
        checkpoints.write(tmp_path, checkpoint(step))
    found = [entry for _, entry in checkpoints.candidates(tmp_path)]
    assert [entry.step for entry in found if entry] == [6, 4]
    assert found[0] is not None
    assert found[0].tensors["adapter/a"].tolist() == [6, 6, 6]
    assert found[0].curve == [{"step": 6}]


@given(cut=st.integers(0, 400), flip=st.booleans())
def test_no_damage_goes_unseen(tmp_path_factory: pytest.TempPathFactory, cut: int, flip: bool) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    file = checkpoints.write(folder, checkpoint(1))
    content = file.read_bytes()
    place = cut % len(content)
    damaged = content[:place] + (bytes([content[place] ^ 1]) + content[place + 1 :] if flip else b"")
    file.write_bytes(damaged)
    ((_, found),) = checkpoints.candidates(folder)
    assert found is None


def test_a_missing_folder_has_no_checkpoints(tmp_path: Path) -> None:
    assert list(checkpoints.candidates(tmp_path / "none")) == []


def test_folders_follow_the_environment_and_default_to_sagemakers() -> None:
    assert Channels.from_environment({}).base == Path("/opt/ml")
    assert Channels.from_environment({"SAGEMAKER_BASE_DIR": "/tmp/x"}).failure == Path(
        "/tmp/x/output/failure"
    )


def test_the_price_counts_every_instance(tmp_path: Path) -> None:
    configuration = tmp_path / "input" / "config"
    configuration.mkdir(parents=True)
    channels = Channels(tmp_path)
    assert channels.usd_per_hour({"FINEXPERT_USD_PER_HOUR": "1.5"}) == 1.5
    (configuration / "resourceconfig.json").write_text('{"hosts": ["algo-1", "algo-2"]}')
    assert channels.usd_per_hour({"FINEXPERT_USD_PER_HOUR": "1.5"}) == 3.0
    assert channels.usd_per_hour({}) is None
    assert channels.usd_per_hour({"FINEXPERT_USD_PER_HOUR": "?"}) is None


def test_broken_settings_files_are_told_apart_from_missing_ones(tmp_path: Path) -> None:
    channels = Channels(tmp_path)
    assert channels.hyperparameters() == {}
    file = tmp_path / "input" / "config" / "hyperparameters.json"
    file.parent.mkdir(parents=True)
    for content in ("{", "[1]"):
        file.write_text(content)
        with pytest.raises(TrainingFailure, match=r"hyperparameters\.json"):
            channels.hyperparameters()


def test_files_appear_whole(tmp_path: Path) -> None:
    write_atomically(tmp_path / "deep" / "file.txt", "text")
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["file.txt"]


@given(st.lists(st.integers(), max_size=20), st.integers(1, 4))
def test_shares_are_everything_once(items: list[int], size: int) -> None:
    shares = [World(rank, size, torch.device("cpu")).share(items) for rank in range(size)]
    assert sorted(item for share in shares for item in share) == sorted(items)


def test_precision_is_as_set_or_as_the_hardware_likes() -> None:
    cpu = torch.device("cpu")
    assert choose_precision("fp32", cpu) is torch.float32
    assert choose_precision("bf16", cpu) is torch.bfloat16
    assert choose_precision("auto", cpu) in (torch.float32, torch.bfloat16)
