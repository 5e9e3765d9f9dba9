"""CPU time and memory of a process group, from /proc or from `ps`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a process has used and holds."""

    cpu_seconds: float
    resident_bytes: int


class Meter:
    """Utilization of process groups between two readings, in AWS's percentages."""

    def __init__(self) -> None:
        self._last: tuple[float, dict[int, Usage]] | None = None

    def read(self, groups: Iterable[int]) -> tuple[float, float] | None:
        """(CPUUtilization: 100 a busy core, MemoryUtilization: percent of this machine's memory).

        None at the first reading: a rate needs two. A process that ended in between takes nothing away from
        what the others did.
        """
        processes, now = measure(set(groups)), time.monotonic()
        last, self._last = self._last, (now, processes)
        if last is None or now <= last[0]:
            return None
        cpu = 100 * busy_seconds(last[1], processes) / (now - last[0])
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cpu, 100 * sum(process.resident_bytes for process in processes.values()) / memory


def busy_seconds(before: Mapping[int, Usage], after: Mapping[int, Usage]) -> float:
    """CPU seconds that the processes of ``after`` have used since ``before``, by process id."""
    idle = Usage(0.0, 0)
    used = (process.cpu_seconds - before.get(pid, idle).cpu_seconds for pid, process in after.items())
    return sum(max(0.0, seconds) for seconds in used)  # less than before: another process with an old id


def measure(groups: set[int]) -> dict[int, Usage]:
    """Each process of these process groups, by id."""
    return dict(_from_proc(groups) if Path("/proc/self/stat").exists() else _from_ps(groups))


def _from_proc(groups: set[int]) -> Iterator[tuple[int, Usage]]:
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:  # after the command in parentheses: state, ppid, pgrp (2), utime, stime (11, 12), rss (21)
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[2]) in groups:
            cpu_seconds = (int(fields[11]) + int(fields[12])) / ticks
            yield int(entry.parent.name), Usage(cpu_seconds, int(fields[21]) * page)


def _from_ps(groups: set[int]) -> Iterator[tuple[int, Usage]]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,rss=,time="], capture_output=True, text=True, check=False
    )
    for line in listed.stdout.splitlines():
        pid, group, kilobytes, clock = line.split()
        if int(group) in groups:
            yield int(pid), Usage(clock_seconds(clock), int(kilobytes) * 1024)


def clock_seconds(text: str) -> float:
    """Seconds of ps's [[days-]hours:]minutes:seconds."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + 86400 * int(days or 0)
