"""A young or newly changed endpoint is kept: before its window opened, no metric proves nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from lambdas.idle_reaper.facts import Endpoint, Verdict, keep
from lambdas.idle_reaper.settings import Settings


def judge(endpoint: Endpoint, settings: Settings, now: datetime) -> Verdict | None:
    """Keep until the least age has passed since creation and since the last change."""
    age = now - max(endpoint.created, endpoint.modified)
    if age >= settings.least_age:
        return None
    minute = timedelta(minutes=1)
    return keep(
        f"created or changed {age / minute:.0f} minutes ago;"
        f" it is judged from {settings.least_age / minute:.0f} minutes on"
    )
