"""Start, find and stop an embedded cloud. Any number may run at once, each in its own state folder.

    cloud = up(Path(".localcloud"))
    ... subprocess.run(["cdk", "deploy"], env=cloud.environ()) ...
    down(Path(".localcloud"))

The state folder holds everything, for its owner's eyes only: `cloud.json` (who runs), `aws-credentials`
(the secret that every request is signed with), `cloud.log`, `tmp/` (all temporary files of the
server and its Lambdas), `processes/` (children on record), `training-jobs/NAME/` and `endpoints/NAME/`
(log.txt and files).
"""

import fcntl
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud import environment, processes, signing

STARTED = "cloud.json"
ADDRESS = re.compile(r"https?://127\.0\.0\.1:\d{1,5}")
LOG = "cloud.log"
LEFTOVERS = ("training-jobs", "endpoints", LOG)  # of an earlier cloud: gone at the next start
START_SECONDS = 30.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.02


class CloudError(Exception):
    """The embedded cloud could not be started or found; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class CloudOptions:
    """Options for a cloud's behaviour.

    auth: check every request's signature and IAM policies.
    provision_seconds: how long making or removing an instance is pretended to take.
    owner_pid: the cloud ends when this process has ended (0: it has no owner).
    wait_scale: how long Step Functions waits, in Wait states and before retries, as a share of what it says.
    tls: serve HTTPS under the cloud's own certificate; the app's bucket policies refuse anything else when
        `auth` is on.
    """

    auth: bool = False
    tls: bool = False
    provision_seconds: float = 0.2
    wait_scale: float = 1.0
    owner_pid: int = 0


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A running embedded cloud."""

    endpoint_url: str
    pid: int
    state_dir: Path
    started: str = field(repr=False)  # start time of the process, see processes.started_at

    @property
    def log_path(self) -> Path:
        """The server's own log."""
        return self.state_dir / LOG

    def environment(self) -> dict[str, str]:
        """The variables that point AWS clients and the CDK CLI at this cloud. They do not remove a user's
        own AWS_PROFILE and the like: for a child process prefer `environ`."""
        return environment.client(self.state_dir, self.endpoint_url)

    def environ(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """A whole environment for a child: `base` without the user's AWS settings, with `environment`."""
        return environment.for_program(self.state_dir, self.endpoint_url, base)

    def health(self) -> dict[str, Any]:
        """The server's report on itself: uptime_seconds, memory_mb, what runs.

        Raises:
            CloudError: it does not answer.
        """
        return self.ask("GET", "health")

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One request to the cloud's control interface, `/_finexpert/PATH` (JSON in, JSON out).

        Raises:
            CloudError: it does not answer, or refuses.
        """
        path = f"/_finexpert/{path}"
        data = b"" if body is None else json.dumps(body).encode()
        secret = environment.secret(self.state_dir)
        address = self.endpoint_url.partition("//")[2]
        headers = signing.headers(method, address, path, data, environment.ACCOUNT, secret, datetime.now(UTC))
        request = urllib.request.Request(
            f"{self.endpoint_url}{path}", data=data or None, method=method, headers=headers
        )
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if certificate := environment.trust(self.state_dir, self.endpoint_url).get("SSL_CERT_FILE"):
            trusting = ssl.create_default_context(cafile=certificate)
            handlers.append(urllib.request.HTTPSHandler(context=trusting))
        opener = urllib.request.build_opener(*handlers)
        try:
            with opener.open(request, timeout=10) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise CloudError(f"The embedded cloud refused {method} {path}: {error.read().decode()}") from None
        except (OSError, ValueError) as error:
            raise CloudError(f"The embedded cloud at {self.endpoint_url} does not answer: {error}") from None


def up(state_dir: Path, *, port: int | None = None, options: CloudOptions | None = None) -> Cloud:
    """Start a cloud in `state_dir`, on a free loopback port if none is given, and wait until it serves.
    One that runs there already is returned as it is.

    Raises:
        CloudError: it did not start (port taken, broken installation), with the end of its log.
    """
    state_dir = state_dir.resolve()
    state_dir.mkdir(parents=True, exist_ok=True)
    state_dir.chmod(0o700)
    with _exclusive(state_dir):
        if running := status(state_dir):
            return running
        _sweep(state_dir)
        _remove(state_dir, *LEFTOVERS)
        return _start(state_dir, port or 0, options or CloudOptions())


def down(state_dir: Path) -> bool:
    """Stop the cloud of `state_dir` and everything it started; True if one was running.

    Works on a crashed cloud's folder too. Logs and job folders stay for inspection until the next `up`.
    """
    state_dir = state_dir.resolve()
    if not state_dir.is_dir():
        return False
    with _exclusive(state_dir):
        cloud = status(state_dir)
        if cloud:
            _stop(cloud)
        _sweep(state_dir)
        return cloud is not None


def status(state_dir: Path) -> Cloud | None:
    """The cloud that runs in `state_dir`, or None. A record whose process is gone, or whose number
    now belongs to another process, counts as none.

    Raises:
        CloudError: the record is damaged, so that nothing in it can be relied on.
    """
    state_dir = state_dir.resolve()
    path = state_dir / STARTED
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        cloud = Cloud(
            endpoint_url=record["endpoint_url"],
            pid=record["pid"],
            state_dir=state_dir,
            started=record["started"],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path) from error
    usable = type(cloud.pid) is int and cloud.pid > 1 and cloud.started and isinstance(cloud.started, str)
    if not usable or not ADDRESS.fullmatch(str(cloud.endpoint_url)):
        raise _damaged(path)
    return cloud if processes.is_ours(cloud.pid, cloud.started, state_dir) else None


def _damaged(path: Path) -> CloudError:
    return CloudError(
        f"The record of the embedded cloud is damaged: {path}. Nothing was touched. If its process still runs"
        " (ps -ef | grep localcloud), end it; then delete the file."
    )


def logs(state_dir: Path, name: str = "cloud") -> str:
    """The log of the cloud ("cloud"), a training job, an endpoint or a Lambda function, by its name.

    Raises:
        CloudError: nothing of that name has a log here; the message lists the names that have.
    """
    state_dir = state_dir.resolve()
    found = dict(_log_files(state_dir))
    if name in found:
        return "".join(path.read_text(errors="replace") for path in found[name])
    texts = _service_logs(state_dir)
    if name in texts:
        return texts[name]
    names = ", ".join(sorted({*found, *texts})) or "nothing yet"
    raise CloudError(f"No log of “{name}” in {state_dir}. There is: {names}")


def _start(state_dir: Path, port: int, options: CloudOptions) -> Cloud:
    (state_dir / "tmp").mkdir(mode=0o700, exist_ok=True)
    environment.make_credentials(state_dir)
    log_path = state_dir / LOG
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "localcloud", "--port", str(port), "--owner", str(options.owner_pid)),
                *(["--tls"] if options.tls else []),
            ],
            cwd=environment.REPOSITORY,
            env=environment.server(
                state_dir,
                auth=options.auth,
                provision_seconds=options.provision_seconds,
                wait_scale=options.wait_scale,
                base=os.environ,
            ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C belongs to the owner, who then shuts the cloud down in order
        )
    try:
        return _wait_until_serving(state_dir, process)
    except BaseException:  # also Ctrl-C: never leave a half-started server behind
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _sweep(state_dir)
        raise


def _wait_until_serving(state_dir: Path, process: subprocess.Popen[bytes]) -> Cloud:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        cloud = status(state_dir)
        if cloud and cloud.pid == process.pid:
            with suppress(CloudError):
                cloud.health()
                return cloud
        time.sleep(POLL_SECONDS)
    tail = (state_dir / LOG).read_text(errors="replace").strip().splitlines()[-15:]
    raise CloudError("\n".join([f"The embedded cloud did not start; the end of {state_dir / LOG}:", *tail]))


def _stop(cloud: Cloud) -> None:
    with suppress(ProcessLookupError):
        os.kill(cloud.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while processes.started_at(cloud.pid) == cloud.started and time.monotonic() < deadline:
        _reap(cloud.pid)
        time.sleep(POLL_SECONDS)
    # The Lambdas live in the server's process group. It has this number for as long as any of them lives.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(cloud.pid, signal.SIGKILL)
    while processes.started_at(cloud.pid) == cloud.started:
        _reap(cloud.pid)
        time.sleep(POLL_SECONDS)


def _reap(pid: int) -> None:
    """Collect the server if it is this very process's child, so that no zombie stays."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _sweep(state_dir: Path) -> None:
    processes.stop_recorded(state_dir, grace_seconds=2.0)
    _remove(state_dir, STARTED, processes.RECORDS, environment.TLS, environment.CREDENTIALS, "tmp")


def _remove(state_dir: Path, *names: str) -> None:
    for name in names:
        path = state_dir / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _exclusive(state_dir: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the cloud of a folder."""
    with (state_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _log_files(state_dir: Path) -> Iterator[tuple[str, list[Path]]]:
    if (state_dir / LOG).exists():
        yield "cloud", [state_dir / LOG]
    for kind in ("training-jobs", "endpoints"):
        for folder in sorted((state_dir / kind).glob("*")):
            files = sorted(folder.rglob("log.txt"), key=lambda path: path.stat().st_mtime)
            if files:
                yield folder.name, files


def _service_logs(state_dir: Path) -> dict[str, str]:
    """Logs of Lambdas and endpoints: they are in CloudWatch Logs, so there only while the cloud runs."""
    if cloud := status(state_dir):
        with suppress(CloudError):
            return cloud.ask("GET", "logs")
    return {}
