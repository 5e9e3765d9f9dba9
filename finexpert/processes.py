"""Which processes belong to a folder: by their environment, command line or working directory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LOOK_SECONDS = 0.05


def of_folder(folder: Path) -> list[str]:
    """`PID COMMAND` of every process, but this one, that was started for `folder` or below it.

    All that a demo starts has the folder in its environment: the CDK CLI in AWS_CONFIG_FILE, the embedded
    cloud, its Lambdas, jobs and endpoints in TMPDIR.
    """
    needle = str(folder.resolve())
    found = []
    for pid, command, everything in _processes():
        if needle in everything and pid != os.getpid():
            found.append(f"{pid} {command[:120]}")
    return found


def left_of_folder(folder: Path, *, patience_seconds: float = 3.0) -> list[str]:
    """`of_folder` once what has just been killed has had time to end: the system needs a moment for it."""
    deadline = time.monotonic() + patience_seconds
    while (found := of_folder(folder)) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return found


def _processes() -> Iterator[tuple[int, str, str]]:
    """(pid, command line, command line with environment) of all processes that this user may look into."""
    if PROC.joinpath("self").exists():
        yield from _from_proc()
    else:
        yield from _from_ps()


def _from_proc() -> Iterator[tuple[int, str, str]]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (entry / "environ").read_bytes().decode(errors="replace")
                directory = (entry / "cwd").readlink()
                yield int(entry.name), command, f"{command}\0{environment}\0{directory}"


def _from_ps() -> Iterator[tuple[int, str, str]]:
    listed = subprocess.run(
        ["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=True, errors="replace"
    )
    for line in listed.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), command, command
