"""Reports each step: its line on standard output, and its point on the loss curve."""

import math
import time
from typing import Any

from training.host.events import Events
from training.loop.schedule import Plan

#: Most points of the curve in checkpoints and in the report: a long job's would outgrow both.
CURVE_POINTS = 2000


class Progress:
    """Counts tokens, steps and seconds of this process's run; time between steps does not count.

    ``curve`` is added to in place.
    """

    def __init__(self, plan: Plan, events: Events, curve: list[dict[str, Any]]) -> None:
        self._plan, self._events, self._curve = plan, events, curve
        self._seen = max((point.get("tokens_seen", 0) for point in curve), default=0)
        self._tokens = self._steps = 0
        self._seconds = self._started = 0.0

    def begin(self) -> None:
        """A step begins."""
        self._started = time.monotonic()

    def end(self, done: int, *, loss: float, rate: float, tokens: int) -> None:
        """Step number ``done`` is over: report it."""
        self._seconds += time.monotonic() - self._started
        self._steps += 1
        self._tokens += tokens
        self._seen += tokens
        steps = self._plan.steps
        event = {
            "step": done,
            "steps": steps,
            "epoch": round(done / self._plan.steps_per_epoch, 4),
            "loss": round(loss, 5),
            "learning_rate": rate,
            "tokens_per_second": round(self._tokens / max(self._seconds, 1e-9), 1),
            "tokens_seen": self._seen,
            "eta_seconds": round(self._seconds / self._steps * (steps - done), 1),
            "usd": self._events.usd,
        }
        if done % math.ceil(steps / CURVE_POINTS) == 0 or done == steps:
            self._curve.append(event)
        self._events.emit("step", **event)
