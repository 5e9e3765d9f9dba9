"""Children are ended as groups, and strangers are left alone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud import environment, lifecycle, processes
from tests.fakes.waiting import eventually

# a program with a child, which both ignore SIGTERM; the child's number goes to stdout
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, 1); time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def start(tmp_path: Path, code: str) -> subprocess.Popen[bytes]:
    return processes.start(
        tmp_path, [sys.executable, "-c", code], environment={}, cwd=tmp_path, log_path=tmp_path / "log.txt"
    )


def test_stop_ends_the_whole_group_even_if_it_ignores_sigterm(tmp_path: Path) -> None:
    process = start(tmp_path, STUBBORN)
    grandchild = int(eventually((tmp_path / "log.txt").read_text))
    assert [entry["pid"] for entry in processes.recorded(tmp_path)] == [process.pid]
    assert processes.stop_recorded(tmp_path, grace_seconds=0.1) == 1
    assert processes.forget(tmp_path, process) != 0
    eventually(lambda: processes.started_at(grandchild) is None)
    assert processes.recorded(tmp_path) == []


def test_a_program_that_ends_alone_gives_its_status_and_leaves_no_record(tmp_path: Path) -> None:
    process = start(tmp_path, "raise SystemExit(3)")
    process.wait(60)
    assert processes.forget(tmp_path, process) == 3
    assert list((tmp_path / processes.RECORDS).iterdir()) == []


def test_what_a_crashed_cloud_left_is_ended(tmp_path: Path) -> None:
    process = start(tmp_path, "import time; time.sleep(60)")
    assert processes.stop_recorded(tmp_path, grace_seconds=2) == 1
    assert process.wait(60) != 0


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A program that the cloud did not start, in a separate group."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0) as process:
        yield process
        process.kill()


def test_a_stranger_with_a_recorded_number_is_left_alone(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    record = tmp_path / processes.RECORDS / f"{stranger.pid}.json"
    record.parent.mkdir()
    strange = {"pid": stranger.pid, "started": "another time", "name": "x", "argv": []}
    record.write_text(json.dumps(strange))
    assert processes.stop_recorded(tmp_path, grace_seconds=0.1) == 0
    assert stranger.poll() is None


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What signals the code sends, none of which arrives."""
    sent: list[tuple[int, int]] = []
    for name in ("kill", "killpg"):
        monkeypatch.setattr(os, name, lambda number, signal_: sent.append((number, signal_)))
    return sent


def test_a_hand_made_record_with_the_right_start_time_hits_no_stranger(
    tmp_path: Path, stranger: subprocess.Popen[bytes], signalled: list[tuple[int, int]]
) -> None:
    began = processes.started_at(stranger.pid)
    record: dict[str, Any] = {"pid": stranger.pid, "started": began, "name": "x", "argv": []}
    folder = tmp_path / processes.RECORDS
    folder.mkdir()
    (folder / f"{stranger.pid}.json").write_text(json.dumps(record))
    (tmp_path / lifecycle.STARTED).write_text(json.dumps(record | {"endpoint_url": "http://127.0.0.1:1"}))
    assert processes.stop_recorded(tmp_path, grace_seconds=0.1) == 0
    assert lifecycle.status(tmp_path) is None
    assert not lifecycle.down(tmp_path)
    assert signalled == []


DAMAGED = ("", "null", "[]", "{}", '"x"', "7", "{", "\0", '{"pid": 5}', "[" * 100_000)
NUMBERS: tuple[Any, ...] = (-1, 0, 1, True, None, "12", 2.5, [], 2**70)


def records() -> Iterator[str]:
    """Contents of a record that say nothing reliable."""
    yield from DAMAGED
    began = processes.started_at(os.getpid())
    own = {"pid": os.getpid(), "started": began, "endpoint_url": "http://127.0.0.1:9"}
    for number in NUMBERS[:-1]:
        yield json.dumps(own | {"pid": number})
    unusable: tuple[Any, ...] = (None, "", 5, True, [])
    for started in unusable:
        yield json.dumps(own | {"pid": 2**22 + 1, "started": started})
    for address in (None, "", 5, "http://example.com:80", "http://127.0.0.1.example.com:80", "127.0.0.1:80"):
        yield json.dumps(own | {"endpoint_url": address})


@pytest.mark.parametrize("text", list(records()), ids=lambda text: "")
def test_a_damaged_record_of_a_cloud_is_named_and_nothing_touched(
    tmp_path: Path, text: str, signalled: list[tuple[int, int]]
) -> None:
    (tmp_path / lifecycle.STARTED).write_text(text)
    kept = tmp_path / processes.RECORDS / "7.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    for act in (lifecycle.status, lifecycle.down, lifecycle.up):
        with pytest.raises(lifecycle.CloudError, match=r"cloud\.json.*delete the file"):
            act(tmp_path)
    assert (tmp_path / lifecycle.STARTED).read_text() == text and kept.exists()
    assert signalled == []


def test_a_record_that_is_no_text_is_damaged_too(tmp_path: Path) -> None:
    (tmp_path / lifecycle.STARTED).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(lifecycle.CloudError, match="damaged"):
        lifecycle.down(tmp_path)
    shutil.rmtree(tmp_path)
    assert lifecycle.status(tmp_path) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_a_damaged_record_counts_as_none(
    tmp_path: Path, number: Any, signalled: list[tuple[int, int]]
) -> None:
    folder = tmp_path / processes.RECORDS
    folder.mkdir()
    for place, text in enumerate(DAMAGED):
        (folder / f"{place}.json").write_text(text)
    for place, started in enumerate((None, "", "1.00")):
        (folder / f"x{place}.json").write_text(json.dumps({"pid": number, "started": started, "name": "x"}))
    assert processes.recorded(tmp_path) == []
    assert processes.stop_recorded(tmp_path, grace_seconds=0.1) == 0
    assert signalled == []


def test_a_link_to_elsewhere_deletes_nothing(tmp_path: Path, signalled: list[tuple[int, int]]) -> None:
    elsewhere, state = tmp_path / "work", tmp_path / "state"
    elsewhere.mkdir()
    state.mkdir()
    (elsewhere / "results.json").write_text("{}")
    (state / processes.RECORDS).symlink_to(elsewhere)
    assert lifecycle.down(state) is False
    assert (elsewhere / "results.json").exists()
    assert signalled == []


def test_start_times_tell_processes_apart() -> None:
    assert processes.started_at(os.getpid()) == processes.started_at(os.getpid()) is not None
    assert processes.started_at(2**22 + 1) is None


def test_a_child_s_environment_holds_nothing_of_the_user_s_aws(tmp_path: Path) -> None:
    user = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "t", "CDK_DEFAULT_ACCOUNT": "1", "HOME": "/home/me"}
    child = environment.for_program(tmp_path, "http://127.0.0.1:1", user)
    assert "AWS_PROFILE" not in child
    assert (child["AWS_SESSION_TOKEN"], child["CDK_DEFAULT_ACCOUNT"]) == ("", environment.ACCOUNT)
    assert child["HOME"] == "/home/me"
    assert child["TMPDIR"] == str(tmp_path / "tmp")


def test_the_server_inherits_nothing_but_what_it_needs(tmp_path: Path) -> None:
    user = {"PATH": "/bin", "API_TOKEN": "secret", "AWS_PROFILE": "work", "OMP_NUM_THREADS": "1"}
    server = environment.server(tmp_path, auth=False, provision_seconds=0.1, wait_scale=1.0, base=user)
    assert "API_TOKEN" not in server and "AWS_PROFILE" not in server
    assert server["OMP_NUM_THREADS"] == "1"
    assert server["PATH"].endswith(f"{os.pathsep}/bin")
    assert {server["HOME"], server["TMPDIR"]} == {str(tmp_path / "tmp")}
