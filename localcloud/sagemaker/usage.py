"""CPU time and memory of process groups."""

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Usage:
    """The processor time that a process has used, and the memory that it holds."""

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
        memory = psutil.virtual_memory().total
        return cpu, 100 * sum(process.resident_bytes for process in processes.values()) / memory


def busy_seconds(before: Mapping[int, Usage], after: Mapping[int, Usage]) -> float:
    """CPU seconds that the processes of ``after`` have used since ``before``, by process id."""
    idle = Usage(0.0, 0)
    used = (process.cpu_seconds - before.get(pid, idle).cpu_seconds for pid, process in after.items())
    return sum(max(0.0, seconds) for seconds in used)  # less than before: another process with an old id


def measure(groups: set[int]) -> dict[int, Usage]:
    """Each process of these process groups, by id."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):  # it may end while it is looked at
            if os.getpgid(process.pid) in groups:
                times = process.cpu_times()
                found[process.pid] = Usage(times.user + times.system, process.memory_info().rss)
    return found
