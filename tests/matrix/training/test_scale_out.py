"""Several processes and hosts: the losses of one process, one reason when a peer is lost, resuming."""

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.training_jobs import finish, read_events, start

Job = Callable[..., Path]
PAIR = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "training")
NO_DROPOUT = {"lora_dropout": "0", "max_input_length": "64"}


class Processes:
    """Starts trainers; what still runs when the test ends is killed with all its children."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(self, base: Path, *launcher: str, **environment: str) -> subprocess.Popen[str]:
        self.started.append(start(base, *launcher, **environment))
        return self.started[-1]

    def run(self, base: Path, *launcher: str, **environment: str) -> list[dict[str, Any]]:
        code, events, err = finish(self.start(base, *launcher, **environment))
        assert code == 0, err
        return events


@pytest.fixture
def processes() -> Iterator[Processes]:
    own = Processes()
    yield own
    for process in own.started:
        if process.poll() is None:
            kill_host(process)


def kill_host(process: subprocess.Popen[str]) -> None:
    """Kill a launcher and its workers (each in a separate session) at once, like a machine that is gone."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.stdout.splitlines())}
    doomed = [process.pid]
    for pid in doomed:
        doomed += [child for child, parent in parents.items() if parent == pid]
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def losses(events: list[dict[str, Any]]) -> list[float]:
    return [event["loss"] for event in events if event["event"] == "step"]


def as_hosts(*bases: Path) -> dict[str, str]:
    """Write each base's resourceconfig.json; the environment in which they meet on this machine."""
    names = [f"algo-{number + 1}" for number in range(len(bases))]
    for base, name in zip(bases, names, strict=True):
        content = {"current_host": name, "hosts": names, "network_interface_name": "lo"}
        (base / "input" / "config" / "resourceconfig.json").write_text(json.dumps(content))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return {"FINEXPERT_RENDEZVOUS": f"127.0.0.1:{free.getsockname()[1]}", "FINEXPERT_USD_PER_HOUR": "1.5"}


@pytest.mark.parametrize("sharded", ["False", "True"])
def test_two_processes_give_the_losses_of_one_with_the_base_whole_or_sharded(
    job: Job, processes: Processes, sharded: str
) -> None:
    # 41 documents make rows that two processes cannot share evenly.
    alone = job("alone", documents=41, per_device_train_batch_size="4", **NO_DROPOUT)
    together = job(
        "together", documents=41, per_device_train_batch_size="2", enable_fsdp=sharded, **NO_DROPOUT
    )
    one, two = processes.run(alone), processes.run(together, *PAIR)
    assert len(losses(one)) > 1
    assert losses(two) == pytest.approx(losses(one), abs=1e-3)
    log = " ".join(event.get("message", "") for event in two)
    assert ("sharded" in log) == (sharded == "True")
    results = [json.loads((base / "output/data/evaluation.json").read_text()) for base in (alone, together)]
    assert results[0]["primary"]["tuned"] == pytest.approx(results[1]["primary"]["tuned"], abs=1e-4)
    assert results[1]["training"]["base_parameters"] == results[0]["training"]["base_parameters"]


def test_a_sharded_base_can_recompute_its_layers(job: Job, processes: Processes) -> None:
    settings = NO_DROPOUT | {"per_device_train_batch_size": "2", "enable_fsdp": "True", "max_steps": "3"}
    kept, again = (
        processes.run(job(name, gradient_checkpointing=name, **settings), *PAIR) for name in ("false", "true")
    )
    assert losses(again) == pytest.approx(losses(kept), abs=1e-4)


def test_two_hosts_find_each_other_by_resourceconfig_alone(job: Job, processes: Processes) -> None:
    settings = NO_DROPOUT | {"per_device_train_batch_size": "2", "max_steps": "4"}
    first, second = job("first", **settings), job("second", **settings)
    meeting = as_hosts(first, second)
    other = processes.start(second, **meeting)
    events = processes.run(first, **meeting)
    code, silent, err = finish(other)
    assert code == 0, err
    assert silent == []
    alone = processes.run(job("alone", **settings | {"per_device_train_batch_size": "4"}))
    assert losses(events) == pytest.approx(losses(alone), abs=1e-3)
    assert json.loads((first / "output/data/evaluation.json").read_text())["cost"]["usd_per_hour"] == 3.0
    assert len(list((first / "model").iterdir())) == 2
    assert not (second / "model").exists()


def test_a_lost_host_ends_the_others_with_a_reason_and_one_goes_on(job: Job, processes: Processes) -> None:
    settings = NO_DROPOUT | {"per_device_train_batch_size": "2", "epoch": "300", "save_steps": "2"}
    first, second = job("first", **settings), job("second", **settings)
    meeting = as_hosts(first, second)
    lost = processes.start(second, **meeting)
    left = processes.start(first, **meeting)
    assert left.stdout is not None
    next(event for event in read_events(left.stdout) if event.get("step") == 4)
    kill_host(lost)
    code, _, err = finish(left)
    assert code == 1, err
    reason = (first / "output" / "failure").read_text()
    assert "Another process of this job was lost" in reason
    assert "newest" in reason
    assert "Traceback" not in err

    (first / "input" / "config" / "resourceconfig.json").unlink()
    alone = processes.start(first)
    assert alone.stdout is not None
    seen: list[dict[str, Any]] = []
    for event in read_events(alone.stdout):
        seen.append(event)
        if event["event"] == "step":
            break
    alone.send_signal(signal.SIGTERM)
    assert finish(alone)[0] == 143
    assert any("going on after step" in event.get("message", "") for event in seen)
    assert seen[-1]["step"] >= 3
    assert any("steps of 4 rows" in event.get("message", "") for event in seen)


def test_sigterm_to_one_host_leaves_a_checkpoint_and_stops_both(job: Job, processes: Processes) -> None:
    settings = NO_DROPOUT | {"per_device_train_batch_size": "2", "epoch": "300", "save_steps": "1000000"}
    first, second = job("first", **settings), job("second", **settings)
    meeting = as_hosts(first, second)
    other = processes.start(second, **meeting)
    process = processes.start(first, **meeting)
    assert process.stdout is not None
    next(event for event in read_events(process.stdout) if event["event"] == "step")
    other.send_signal(signal.SIGTERM)
    for ended in (process, other):
        code, _, err = finish(ended)
        assert code == 143, err
    assert len(list((first / "checkpoints").iterdir())) == 1
    assert not (first / "output" / "failure").exists()
    assert not (second / "output" / "failure").exists()
