"""Child processes of the cloud: each in its own group, each on record, so that none outlives it.

A training job or an endpoint may start further processes, so it gets a process group and is stopped as
one. The group's number and the leader's start time are recorded under the state folder: `stop_recorded` ends
what a crashed cloud left behind. A recorded number is acted on only if the process has that start time and
was started for this folder, so that no other program is ever hit.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

RECORDS = "processes"
POLL_SECONDS = 0.02


def started_at(pid: int) -> str | None:
    """The start of a process, in seconds after the system's start; None if there is none.

    The number distinguishes two processes that had one pid, also if the clock was set in between.
    """
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return f"{process.create_time() - psutil.boot_time():.2f}"
    return None


def is_ours(pid: Any, started: Any, folder: Path) -> bool:
    """Whether a process on record still runs: a usable pid, the recorded start, and started for `folder`."""
    if type(pid) is not int or pid <= 1 or not isinstance(started, str) or started_at(pid) != started:
        return False
    with suppress(psutil.Error):
        return str(folder.resolve()) in _description(psutil.Process(pid))
    return False


def of_folder(folder: Path) -> list[str]:
    """`PID COMMAND` of every process, but this one, that was started for `folder` or below it.

    Every program that the embedded cloud or a demo starts has the folder in its environment: the CDK CLI in
    AWS_CONFIG_FILE, the cloud, its Lambdas, jobs and endpoints in TMPDIR.
    """
    needle, found = str(folder.resolve()), []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and needle in _description(process):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
    return found


def _description(process: psutil.Process) -> str:
    """Command line, environment and working directory. psutil.Error: this user may not look into it."""
    return "\0".join([*process.cmdline(), *process.environ().values(), process.cwd()])


def start(
    state_dir: Path, argv: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log_path: Path
) -> subprocess.Popen[bytes]:
    """Start a program in a separate group, its stdout and stderr appended to `log_path`."""
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
    draft = record.with_suffix(".draft")
    draft.write_text(json.dumps(entry))
    draft.replace(record)
    return process


def forget(state_dir: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait for a process to end, end what it left in its group, and drop the record."""
    _signal_group(process.pid, signal.SIGKILL)
    status = process.wait()
    _record(state_dir, process.pid).unlink(missing_ok=True)
    return status


def recorded(state_dir: Path) -> list[dict[str, Any]]:
    """The recorded processes that still run. A damaged record stands for none."""
    found = []
    for record in _records(state_dir):
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            entry = json.loads(record.read_text())
            if is_ours(entry["pid"], entry["started"], state_dir):
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
    for record in _records(state_dir):
        record.unlink(missing_ok=True)
    return len(running)


def _records(state_dir: Path) -> list[Path]:
    """The files of records. Where the folder is a link to another one, there are none."""
    folder = state_dir / RECORDS
    return [] if folder.is_symlink() else [file for file in sorted(folder.glob("*.json")) if file.is_file()]


def _record(state_dir: Path, pid: int) -> Path:
    return state_dir / RECORDS / f"{pid}.json"


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
