"""CPU time and memory of a process group, from /proc or from `ps`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What the processes of some groups use."""

    cpu_seconds: float
    resident_bytes: int


class Meter:
    """Utilization of process groups between two readings, in AWS's percentages."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def read(self, groups: Iterable[int]) -> tuple[float, float] | None:
        """(CPUUtilization: 100 a busy core, MemoryUtilization: percent of this machine's memory).

        None at the first reading: a rate needs two.
        """
        usage, now = measure(set(groups)), time.monotonic()
        last, self._last = self._last, (now, usage.cpu_seconds)
        if last is None or now <= last[0]:
            return None
        cpu = 100 * max(0.0, usage.cpu_seconds - last[1]) / (now - last[0])
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cpu, 100 * usage.resident_bytes / memory


def measure(groups: set[int]) -> Usage:
    """Sum over all processes of these process groups."""
    rows = list(_from_proc(groups) if Path("/proc/self/stat").exists() else _from_ps(groups))
    return Usage(sum(row.cpu_seconds for row in rows), sum(row.resident_bytes for row in rows))


def _from_proc(groups: set[int]) -> Iterable[Usage]:
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:  # after the command in parentheses: state, ppid, pgrp (2), utime, stime (11, 12), rss (21)
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[2]) in groups:
            yield Usage((int(fields[11]) + int(fields[12])) / ticks, int(fields[21]) * page)


def _from_ps(groups: set[int]) -> Iterable[Usage]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pgid=,rss=,time="], capture_output=True, text=True, check=False
    )
    for line in listed.stdout.splitlines():
        group, kilobytes, clock = line.split()
        if int(group) in groups:
            yield Usage(clock_seconds(clock), int(kilobytes) * 1024)


def clock_seconds(text: str) -> float:
    """Seconds of ps's [[days-]hours:]minutes:seconds."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + 86400 * int(days or 0)
