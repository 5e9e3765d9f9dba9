"""The handlers' context: the deployed app, the time, limits, and answers of AWS that are kept for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, RLock
from typing import Any, TypeVar

from finexpert import paths
from finexpert.service.asking.stores import FileStore, Store
from finexpert.service.deployment import Deployment
from finexpert.service.runs.follow import Follower

T = TypeVar("T")


class Kept:
    """Values that are read again when they are older than `seconds`. Requests during a read wait for it.

    So a page that refreshes every few seconds makes few calls to AWS, and several pages no more than one.
    An error is not kept.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._values: dict[str, tuple[float, Any]] = {}
        self._reading: dict[str, Lock] = {}

    def get(self, name: str, read: Callable[[], T]) -> T:
        """The kept value of that name; read again if it is too old."""
        with self._reading.setdefault(name, Lock()):
            then, value = self._values.get(name, (-self._seconds, None))
            if self._clock() - then >= self._seconds:
                value = read()
                self._values[name] = self._clock(), value
            return value  # type: ignore[no-any-return]

    def forget(self) -> None:
        """Forget all kept values, since something was changed."""
        self._values.clear()


class Followed:
    """The newest runs that were looked at: each one's log is read on from where the last look ended."""

    MOST = 16

    def __init__(self) -> None:
        self._followers: OrderedDict[str, tuple[Follower, Lock]] = OrderedDict()
        self._changing = RLock()

    def of(self, run: str, make: Callable[[], Follower]) -> tuple[Follower, Lock]:
        """The run's follower, and the lock to hold while it looks."""
        with self._changing:
            if run not in self._followers:
                self._followers[run] = make(), Lock()
            self._followers.move_to_end(run)
            while len(self._followers) > self.MOST:
                self._followers.popitem(last=False)
            return self._followers[run]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of what may be sent and asked for. `upload_bytes`, in base64, is what Lambda lets through."""

    prompt_characters: int = 16_000
    new_tokens: int = 1024
    upload_bytes: int = 4_000_000
    document_bytes: int = 64_000_000
    turn_bytes: int = 500_000
    body_bytes: int = 100_000


def own_history() -> Callable[[str], Store]:
    """The history of the one person who uses this machine's page, for every request."""
    store = FileStore(paths.state() / "history")
    return lambda user: store


@dataclass(frozen=True, kw_only=True)
class Context:
    """The state that all requests of one server share.

    Args:
        streams: whether an answer reaches the page while it is written.
        compares: whether the trainer's libraries are there, which compare runs and know chat templates.
        looks: what is kept of the endpoint and the lists for a few seconds.
        sums: what is kept of the month, which takes a dozen calls, and of the reaper's log.
        ended: rows of runs that have ended, by name.
        documents: the folder of the index of documents.
        adds_documents: whether files may be added to it here; else the pushed index is read.
        benchmark: the folder of the newest benchmark; None where there can be none.
        history: of the person who is signed in.
    """

    deployment: Deployment
    streams: bool
    compares: bool
    documents: Path = Path("documents-index")
    adds_documents: bool = True
    benchmark: Path | None = Path("out/benchmark")
    history: Callable[[str], Store] = field(default_factory=own_history)
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    looks: Kept = field(default_factory=lambda: Kept(2.0))
    sums: Kept = field(default_factory=lambda: Kept(15.0))
    followed: Followed = field(default_factory=Followed)
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
