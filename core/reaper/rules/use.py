"""What all rules about use share: which series they look at, and when a reading counts as use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from core.reaper.facts import Endpoint, Need, Reading, Series, Unreadable, Verdict, keep
from core.reaper.settings import ReaperSettings


def judge_series(
    series: Iterable[Series], what: str, endpoint: Endpoint, settings: ReaperSettings, now: datetime
) -> Verdict | Need | None:
    """Keep if any series shows use since the window opened, or cannot be read; `what` names the use."""
    opened = settings.window_start(now)
    unreadable = ""
    for each in series:
        reading = endpoint.activity.get(each)
        if reading is None:
            return Need.METRICS
        if isinstance(reading, Unreadable):
            unreadable = unreadable or f"{each} cannot be read, so its use is unknown ({reading.why})"
        elif isinstance(reading, Reading) and reading.last is not None and reading.last > opened:
            return keep(f"{what}: {each} = {reading.total:g}, last at {reading.last:%H:%M} UTC")
    return keep(unreadable) if unreadable else None
