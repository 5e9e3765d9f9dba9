"""Child processes that never outlive the cloud: each in its own group, each on record.

A training job or an endpoint may start processes of its own, so it gets a process group and is stopped as
one. The group's number and the leader's start time are recorded under the state folder before anybody can be
killed: `stop_recorded` ends what a crashed cloud left behind, and the start time keeps it from hitting a
stranger that was given the same number.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

RECORDS = "processes"
POLL_SECONDS = 0.02


def started_at(pid: int) -> str | None:
    """When the process began, as text that differs between two processes of one number; None if there is
    none.
    """
    try:  # Linux: field 22 of stat, after the command in parentheses (which may hold blanks)
        stat = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        return None if stat[0] == "Z" else stat[19]
    except OSError:
        if Path("/proc/self").exists():
            return None
    listed = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, began = listed.stdout.strip().partition(" ")
    return began.strip() if began and not state.startswith("Z") else None


def start(
    state_dir: Path, argv: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log_path: Path
) -> subprocess.Popen[bytes]:
    """Start a program in a group of its own, its stdout and stderr appended to `log_path`."""
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            list(argv),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    record = _record(state_dir, process.pid)
    record.parent.mkdir(parents=True, exist_ok=True)
    entry = {"pid": process.pid, "started": started_at(process.pid), "name": cwd.name, "argv": list(argv)}
    record.write_text(json.dumps(entry))
    return process


def stop(state_dir: Path, process: subprocess.Popen[bytes], *, grace_seconds: float) -> int:
    """SIGTERM to the whole group, SIGKILL after `grace_seconds`; forget the record; return the exit
    status.
    """
    _signal_group(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
    return forget(state_dir, process)


def forget(state_dir: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait for a process that ends by itself, end what it left in its group, and drop the record."""
    _signal_group(process.pid, signal.SIGKILL)
    status = process.wait()
    _record(state_dir, process.pid).unlink(missing_ok=True)
    return status


def recorded(state_dir: Path) -> list[dict[str, Any]]:
    """The recorded processes that still run."""
    found = []
    for record in sorted((state_dir / RECORDS).glob("*.json")):
        with suppress(OSError, ValueError):
            entry = json.loads(record.read_text())
            if entry["started"] and started_at(entry["pid"]) == entry["started"]:
                found.append(entry)
    return found


def stop_recorded(state_dir: Path, *, grace_seconds: float) -> int:
    """End every recorded group that still runs; return how many there were."""
    running = recorded(state_dir)
    for entry in running:
        _signal_group(entry["pid"], signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while recorded(state_dir) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for entry in running:
        _signal_group(entry["pid"], signal.SIGKILL)
    for record in (state_dir / RECORDS).glob("*.json"):
        record.unlink(missing_ok=True)
    return len(running)


def _record(state_dir: Path, pid: int) -> Path:
    return state_dir / RECORDS / f"{pid}.json"


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
