"""SIGTERM as a request: SageMaker gives 120 seconds between it and SIGKILL."""

import signal
from types import FrameType

from core.failures import Stopped


class StopSignal:
    """Remembers that the job was asked to stop (SIGTERM, or Ctrl-C on a laptop)."""

    def __init__(self) -> None:
        self._requested = False

    def install(self) -> "StopSignal":
        """Listen from now on, in place of Python's own reactions."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def requested(self) -> bool:
        """Whether a request has come."""
        return self._requested

    def check(self) -> None:
        """Raise Stopped if a request has come; for places where nothing is left to be kept."""
        if self._requested:
            raise Stopped("stopped on request; what was trained before is in the newest checkpoint")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._requested = True
