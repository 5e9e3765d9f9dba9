"""The idle reaper: finds endpoints that nobody uses, warns, puts to sleep or deletes.

What is unknown is kept. The rules stand in `rules/`, one a module; the contract in lambdas/README.md; how it
works at length in docs/reaper.md. `run` is one region, `reader` reads, `actions` acts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.aws.calls import AwsClients
from core.reaper.run import NO_CONTEXT_SECONDS, Run, answer
from core.reaper.settings import Settings
from core.reaper.single_reads import Memory

#: By region. Lives as long as the warm function; losing it costs calls.
_memory: dict[str, Memory] = {}


def handler(event: Mapping[str, Any] | None, context: Any = None) -> dict[str, Any]:
    """One run. Event: may carry {"dry_run": true}.

    Answer: {"decisions": [{"endpoint", "action", "reason", "evidence"}], "api_calls": n, "complete": bool};
    with `OTHER_KINDS` also {"others": {"decisions": [{"kind", "name", "action", "reason", "evidence"}],
    "unlisted": {kind: reason}}}.
    Raises ConfigurationError when an environment variable cannot be used; AWS errors end in decisions
    instead.
    """
    settings = Settings.load(os.environ, event or {})
    end = time.monotonic() + NO_CONTEXT_SECONDS

    def seconds_left() -> float:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return float(remaining()) / 1000 if remaining else end - time.monotonic()

    home = AwsClients(settings.region)
    regions = settings.regions or (settings.region,)
    runs = []
    for number, region in enumerate(regions):
        clients = home if region == settings.region else AwsClients(region)
        share = 1 / (len(regions) - number)
        own = settings.of_region(region)
        memory = _memory.setdefault(region, Memory())
        runs.append(
            Run(clients, own, lambda: datetime.now(UTC), seconds_left, home=home, share=share, memory=memory)
        )
    return answer(runs, settings)
