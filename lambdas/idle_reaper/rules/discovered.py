"""Use under any set of dimensions that CloudWatch lists for the endpoint, also ones that nobody foresaw.

Enhanced metrics add InstanceId, pipelines add ContainerName: a query without them matches nothing.
"""

from __future__ import annotations

from datetime import datetime

from lambdas.idle_reaper.facts import Endpoint, Need, Series, Verdict
from lambdas.idle_reaper.rules.use import judge_series
from lambdas.idle_reaper.settings import Settings


def series(endpoint: Endpoint) -> list[Series]:
    """What ListMetrics found."""
    return sorted(endpoint.discovered, key=str)


def judge(endpoint: Endpoint, settings: Settings, now: datetime) -> Verdict | Need | None:
    """Keep if any listed series shows use."""
    return judge_series(series(endpoint), "it is used", endpoint, settings, now)
