"""A container's program as a process of this machine, with the folders and the environment it would find."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from localcloud import platform, processes
from localcloud.environment import INHERITED_PREFIXES as PREFIXES
from localcloud.environment import LOOPBACK, REPOSITORY
from localcloud.sagemaker import supervise

ML = "/opt/ml"
PING_SECONDS = 2.0
JSON = {"Content-Type": "application/json"}
# Of the cloud's own environment only what a program needs to start: a container sees nothing of its host.
KEPT = (
    *("LANG", "LC_ALL", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("AWS_CA_BUNDLE", "NO_PROXY"),
)


def replaced(text: str, folder: Path) -> str:
    """The text with the container's /opt/ml written as the folder that stands for it."""
    return text.replace(ML, str(folder))


def base_environment(folder: Path) -> dict[str, str]:
    """Every program's environment: this Python's programs first on PATH, its own HOME and temporary files."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(PREFIXES)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    places = {"HOME": str(folder), "TMPDIR": str(folder / "tmp"), "SAGEMAKER_BASE_DIR": str(folder)}
    return kept | places | {"PATH": path, "PYTHONUNBUFFERED": "1"}


class Container:
    """A running program: started in `folder`, its output appended to a file there."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], folder: Path, log_name: str = "log.txt"
    ) -> None:
        self.log_path = folder / log_name
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        supervisor = [sys.executable, "-I", "-S", supervise.__file__, str(os.getpid())]
        self._process: subprocess.Popen[bytes] = processes.start(
            platform.state_dir(),
            [*supervisor, *argv],
            environment=environment,
            cwd=folder,
            log_path=self.log_path,
        )
        self._ended: int | None = None

    @property
    def group(self) -> int:
        """The number of the program's process group."""
        return self._process.pid

    def exit_code(self, wait_seconds: float = 0.0) -> int | None:
        """The exit status, None while it runs. Waits at most `wait_seconds` for the end."""
        if self._ended is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_seconds)
                self.kill()
        return self._ended

    def terminate(self) -> None:
        """SIGTERM to the program's first process."""
        if self._ended is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def stop(self, grace_seconds: float) -> int:
        """SIGTERM, and after `grace_seconds` SIGKILL to all of it; returns the exit status."""
        self.terminate()
        deadline = time.monotonic() + grace_seconds
        while self.exit_code(0.05) is None and time.monotonic() < deadline:
            pass
        return self.kill()

    def kill(self) -> int:
        """SIGKILL to all that is left; returns the exit status, 128 + n for signal n."""
        if self._ended is None:
            code = processes.forget(platform.state_dir(), self._process)
            self._ended = 128 - code if code < 0 else code
        return self._ended


class Server(Container):
    """A program that answers HTTP on a port, to requests with a key that only this cloud has.

    On AWS only SageMaker can reach a container; here every user of this machine can.
    """

    def __init__(self, program: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.port, self._key = free_port(), secrets.token_urlsafe(32)
        own = {"SAGEMAKER_BIND_TO_PORT": str(self.port), "SAGEMAKER_CONTAINER_KEY": self._key}
        own["PYTHONPATH"] = str(REPOSITORY)
        everything = base_environment(folder) | dict(environment) | own
        super().__init__(program, everything, folder, f"log-{self.port}.txt")

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request that it answers."""
        return {"Authorization": f"Bearer {self._key}"}

    def ask(self, method: str, path: str, body: bytes = b"", *, timeout: float) -> tuple[int, bytes]:
        """Status and body of its answer."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=timeout)
        try:
            connection.request(method, path, body or None, JSON | self.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """Whether it answers /ping."""
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/ping", timeout=PING_SECONDS)[0] == http.client.OK
        return False


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
