"""Long calls: `Invocations` counts a call when it ends, so one that still runs shows only as concurrency."""

from datetime import datetime

from core.reaper.facts import Endpoint, Need, Series, Verdict
from core.reaper.rules.use import judge_series
from core.reaper.settings import ReaperSettings


def series(endpoint: Endpoint) -> list[Series]:
    """`ConcurrentRequestsPerModel` of every variant."""
    return [
        Series.of(
            "ConcurrentRequestsPerModel", "Maximum", EndpointName=endpoint.name, VariantName=variant.name
        )
        for variant in endpoint.variants
    ]


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | Need | None:
    """Keep while a call is in flight."""
    return judge_series(series(endpoint), endpoint, settings, now)
