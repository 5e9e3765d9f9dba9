"""Turns Ctrl-C, `kill` and a closed terminal into KeyboardInterrupt, and holds it back during clean-up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Within its block the three signals raise KeyboardInterrupt in the main thread, except in `shielded`."""

    def __init__(self) -> None:
        self._previous: dict[signal.Signals, Any] = {}
        self._shielded = False

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._came)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Ignore the signals during the block, which cleans up and must reach its end."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False

    def _came(self, number: int, frame: FrameType | None) -> None:
        if not self._shielded:
            raise KeyboardInterrupt
