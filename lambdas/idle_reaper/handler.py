"""The idle reaper: finds endpoints without use, warns, puts to sleep or deletes. What is unknown is kept.

The contract is in lambdas/README.md, how it works in docs/reaper.md, the code in `core.reaper`.
"""

import os
from collections.abc import Mapping
from typing import Any

from core.environment import runtime
from core.reaper.run import reap_regions
from core.reaper.warm import WarmState

_warm = WarmState()


def handler(event: Mapping[str, Any] | None, context: Any = None) -> dict[str, Any]:
    """One run. Event: may carry {"dry_run": true}, or {"runtime": true}, which only asks what it runs on.

    Answer: {"decisions": [{"endpoint", "action", "reason", "evidence"}], "api_calls": n, "complete": bool};
    with `OTHER_KINDS` also {"others": {"decisions": [{"kind", "name", "action", "reason", "evidence"}],
    "unlisted": {kind: reason}}}.
    Raises ConfigurationError when an environment variable cannot be used; AWS errors end in decisions
    instead.
    """
    if event and event.get("runtime"):
        return runtime()
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return reap_regions(os.environ, event or {}, _warm, (lambda: remaining() / 1000) if remaining else None)
