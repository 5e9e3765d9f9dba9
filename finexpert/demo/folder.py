"""A state folder for each demo: two at once do not meet, and the next clears away what a killed one left."""

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO

from localcloud import lifecycle

PREFIX = "demo-"
KEPT = "kept"


class Folder:
    """The folder of one demo, locked from `claim` to `release`.

    A locked file in it shows other demos that its owner runs; the system frees the lock in any case.
    """

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    @property
    def cloud(self) -> Path:
        """State folder of the embedded cloud."""
        return self.path / "cloud"

    @property
    def synthesized(self) -> Path:
        """The synthesized app."""
        return self.path / "cdk.out"

    @property
    def log(self) -> Path:
        """The log file with the programs' output and the stack trace of a failure."""
        return self.path / "demo.log"

    def release(self, *, remove: bool) -> None:
        """Unlock it. `remove` deletes it; else only the synthesized app is deleted, and the logs stay."""
        shutil.rmtree(self.path if remove else self.synthesized, ignore_errors=True)
        self._lock.close()

    def keep(self) -> None:
        """Leave it with its running cloud: later demos do not touch it while that runs."""
        (self.path / KEPT).touch()
        self._lock.close()


def claim(parent: Path) -> Folder:
    """A new folder under `parent`, after clearing away those whose demos are gone (and their clouds)."""
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / ".demos.lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        for old in sorted(parent.glob(f"{PREFIX}*")):
            if not old.is_symlink():  # what a link leads to is no demo's
                _sweep(old)
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = (path / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Folder(path, lock)


def _sweep(old: Path) -> None:
    try:
        with (old / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (old / KEPT).exists() and lifecycle.status(old / "cloud"):
                return
            lifecycle.down(old / "cloud")
            shutil.rmtree(old, ignore_errors=True)
    except (BlockingIOError, lifecycle.CloudError):  # its demo is running, or its record is damaged
        return
    except FileNotFoundError:
        shutil.rmtree(old, ignore_errors=True)
