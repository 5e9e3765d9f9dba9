"""Stop the notebook instance that this runs on once its Jupyter has been idle for a while.

    idle_stop.py --minutes 60

Runs there every few minutes, as root, with Amazon Linux's own Python 3.9 and AWS CLI: it imports nothing but
the standard library. Jupyter counts as use what a person or a kernel does, and leaves out what an open
browser requests in the background. Sources: Jupyter Server's REST API (`/api/status`, `/api/kernels`).
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

JUPYTER = "https://localhost:8443"
METADATA = Path("/opt/ml/metadata/resource-metadata.json")
SECONDS = 30


def idle_since(status: Mapping[str, Any], kernels: Iterable[Mapping[str, Any]]) -> datetime | None:
    """Since when nothing has happened, UTC-aware; None while a kernel works, however long it is silent.

    Args:
        status: Jupyter's `/api/status`; its last activity is that of notebooks, terminals and the person.
        kernels: its `/api/kernels`.
    """
    if any(kernel["execution_state"] == "busy" for kernel in kernels):
        return None
    return datetime.fromisoformat(status["last_activity"].replace("Z", "+00:00"))


def idle(since: datetime | None, minutes: int, now: datetime) -> bool:
    """Whether nothing has happened for `minutes`."""
    return since is not None and now - since >= timedelta(minutes=minutes)


def ask(path: str, server: str = JUPYTER) -> Any:
    """An answer of Jupyter's REST API, which asks for no token on this machine itself.

    Raises:
        OSError: Jupyter does not answer.
    """
    itself = ssl.create_default_context()
    itself.check_hostname, itself.verify_mode = False, ssl.CERT_NONE  # it signed its certificate itself
    address = f"{server}{path}?no_track_activity=1"  # being asked is no use
    with urllib.request.urlopen(address, timeout=SECONDS, context=itself) as answer:
        return json.loads(answer.read())


def stop_command(metadata: Mapping[str, str]) -> list[str]:
    """The command that stops this instance; `metadata`: SageMaker's, with ResourceName and ResourceArn."""
    name, region = metadata["ResourceName"], metadata["ResourceArn"].split(":")[3]
    stop = ["aws", "sagemaker", "stop-notebook-instance"]
    return [*stop, "--notebook-instance-name", name, "--region", region]


def main(arguments: list[str]) -> int:
    """Look once; the exit code says in systemd's journal whether that was possible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, required=True)
    minutes = parser.parse_args(arguments).minutes
    since = idle_since(ask("/api/status"), ask("/api/kernels"))
    print("a kernel is at work" if since is None else f"idle since {since:%H:%M:%S} UTC")
    if not idle(since, minutes, datetime.now(timezone.utc)):  # noqa: UP017  Python 3.9 has no UTC
        return 0
    return subprocess.run(stop_command(json.loads(METADATA.read_text(encoding="utf-8")))).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
