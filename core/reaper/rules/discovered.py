"""Finds use under any set of dimensions that CloudWatch lists for the endpoint, also unforeseen ones.

Enhanced metrics add InstanceId, pipelines add ContainerName: a query without them matches nothing.
"""

from datetime import datetime

from core.reaper.facts import Description, Endpoint, Need, Series, Unreadable, Verdict, keep
from core.reaper.rules.use import judge_series
from core.reaper.settings import ReaperSettings


def series(endpoint: Endpoint) -> list[Series]:
    """The series that ListMetrics found."""
    return [] if isinstance(endpoint.discovered, Unreadable) else sorted(endpoint.discovered, key=str)


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | Need | None:
    """Keep if any listed series shows use, or if none could be listed where that is the only way to know."""
    if isinstance(endpoint.discovered, Unreadable):
        if isinstance(endpoint.detail, Description) and endpoint.detail.enhanced_metrics:
            return keep(
                "it publishes enhanced metrics, whose dimensions only ListMetrics gives, and that failed"
                f" ({endpoint.discovered.why})"
            )
        return None
    return judge_series(series(endpoint), endpoint, settings, now)
