"""Helps all rules about use: decides whether a reading counts as use, and puts it into words."""

from collections.abc import Callable, Iterable
from datetime import datetime

from core.reaper.facts import Endpoint, Need, Reading, Series, Unreadable, Verdict, keep
from core.reaper.settings import ReaperSettings

_WORDS = {
    "Invocations": "requests",
    "InvocationsProcessed": "asynchronous requests done",
    "InvocationFailures": "asynchronous requests that failed",
    "ApproximateBacklogSize": "asynchronous requests waiting",
    "ConcurrentRequestsPerCopy": "requests at the same time",
    "ConcurrentRequestsPerModel": "requests at the same time",
}
_NAMING = ("InferenceComponentName", "VariantName")
"""Dimensions whose value says which part of the endpoint was used."""


def in_use(series: Series, reading: Reading) -> str:
    """The use that a series shows, in words: `in use: 6 requests to finexpert-base, last at 15:46 UTC`."""
    words = _WORDS.get(series.metric, f"in {series.metric}")
    dimensions = dict(series.dimensions)
    part = next((f" to {dimensions[name]}" for name in _NAMING if name in dimensions), "")
    last = f", last at {reading.last:%H:%M} UTC" if reading.last else ""
    return f"in use: {reading.total:g} {words}{part}{last}"


def by(series: Callable[[Endpoint], list[Series]]) -> Callable[..., Verdict | Need | None]:
    """The rule that keeps an endpoint while one of its `series` shows use."""
    return lambda endpoint, settings, now: judge_series(series(endpoint), endpoint, settings, now)


def judge_series(
    series: Iterable[Series], endpoint: Endpoint, settings: ReaperSettings, now: datetime
) -> Verdict | Need | None:
    """Keep if any series shows use since the window opened, or cannot be read."""
    opened = settings.window_start(now)
    unreadable = ""
    for each in series:
        reading = endpoint.activity.get(each)
        if reading is None:
            return Need.METRICS
        if isinstance(reading, Unreadable):
            unreadable = unreadable or f"{each} cannot be read, so its use is unknown ({reading.why})"
        elif isinstance(reading, Reading) and reading.last is not None and reading.last > opened:
            return keep(in_use(each, reading))
    return keep(unreadable) if unreadable else None
