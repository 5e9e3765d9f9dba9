"""Writes a job's reports while it runs: one JSON object a line on standard output.

Metric definitions, the live view and people in CloudWatch read the same lines.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO


class Events:
    """Writes events and keeps the time; on other ranks than the first (``enabled`` False) it is silent.

    ``usd_per_hour`` is the price of all instances together; None = unknown, and ``usd`` is then null, not 0.
    ``clock`` gives seconds.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        usd_per_hour: float | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._enabled, self.usd_per_hour, self._stream, self._clock = enabled, usd_per_hour, stream, clock
        self._started = self._phase_started = clock()
        self._phase: str | None = None
        self.seconds: dict[str, float] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the program began (SageMaker bills from its downloads on)."""
        return self._clock() - self._started

    @property
    def usd(self) -> float | None:
        """Dollars so far, if the price is known."""
        return None if self.usd_per_hour is None else round(self.elapsed * self.usd_per_hour / 3600, 6)

    def phase(self, name: str) -> None:
        """A phase begins and the one before it ends: its duration goes to ``seconds``."""
        now = self._clock()
        if self._phase is not None:
            spent = now - self._phase_started
            self.seconds[self._phase] = round(self.seconds.get(self._phase, 0.0) + spent, 3)
        self._phase, self._phase_started = name, now
        self.emit("phase", phase=name, seconds=round(now - self._started, 3))

    def log(self, message: str) -> None:
        """A sentence for the reader of the log."""
        self.emit("log", message=message)

    def emit(self, event: str, **values: Any) -> None:
        """Write one event. Numbers that JSON lacks (NaN, infinity) become null."""
        if not self._enabled:
            return
        finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
        stream = self._stream or sys.stdout
        # At once: unbuffered, as containers set Python, print() lets others write before the line ends.
        stream.write(json.dumps({"event": event} | finite) + "\n")
        stream.flush()
