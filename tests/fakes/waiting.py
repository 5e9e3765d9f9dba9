"""Waiting for what another process or thread brings about."""

import time
from collections.abc import Callable
from typing import Any


def eventually(
    look: Callable[[], Any], *, seconds: float = 240.0, why: str = "it did not happen in time"
) -> Any:
    """What `look` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, why
        time.sleep(0.05)
    return found
