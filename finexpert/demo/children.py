"""Programs that the demo runs: each in its own process group, output to a log, none left behind."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 3.0


class Children:
    """The running programs. `stop` ends them; after it none can be started.

    Each has its own session, so Ctrl-C in the terminal reaches only this process, which ends them in order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log_path: Path,
        on_line: Callable[[str], None],
    ) -> int:
        """Run a program to its end and return its exit status; 130 if `stop` was called before its end.

        Args:
            log_path: stdout and stderr are appended here, under a line with the command.
            on_line: called with each line of output.
        """
        with log_path.open("a", encoding="utf-8") as log:
            log.write(f"\n$ {' '.join(argv)}\n")
            process = self._start(argv, environment, cwd)
            if process is None:
                return 128 + signal.SIGINT
            try:
                for line in process.stdout or ():
                    log.write(line)
                    log.flush()
                    on_line(line.rstrip("\n"))
                return process.wait()
            finally:
                _end(process)
                with self._lock:
                    self._running.discard(process)

    def stop(self) -> None:
        """End every program that runs, with all that it started."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _end(process)

    def _start(
        self, argv: Sequence[str], environment: Mapping[str, str], cwd: Path
    ) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._stopped:
                return None
            process = subprocess.Popen(
                list(argv),
                env=dict(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
            return process


def _end(process: subprocess.Popen[str]) -> None:
    """Send SIGTERM to the program's group, and SIGKILL to what is left of it after the grace."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


LOOK_SECONDS = 0.05


def left_of_folder(folder: Path, *, patience_seconds: float = 3.0) -> list[str]:
    """The processes that still run for `folder`, after a moment for killed ones to end."""
    from localcloud.processes import of_folder

    deadline = time.monotonic() + patience_seconds
    while (found := of_folder(folder)) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return found
