"""Keeps what bills nothing while idle: serverless without provisioned concurrency, or scaled to zero."""

from datetime import datetime

from core.reaper.facts import Endpoint, Need, Unreadable, Verdict, keep
from core.reaper.settings import ReaperSettings


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | Need | None:
    """Keep endpoints that cost nothing without calls, and those that cannot be described."""
    if isinstance(endpoint.detail, Unreadable):
        return keep(f"it cannot be described ({endpoint.detail.why})")
    if not endpoint.variants:
        return None
    if endpoint.config is None and any(v.instances is None and not v.serverless for v in endpoint.variants):
        return Need.CONFIG  # not every answer repeats serverless settings
    on_demand = [v for v in endpoint.variants if v.serverless and not v.provisioned_concurrency]
    at_zero = [v for v in endpoint.variants if not v.serverless and v.instances == 0]
    if len(on_demand) + len(at_zero) < len(endpoint.variants):
        return None
    if not at_zero:
        return keep("serverless without provisioned concurrency: it costs nothing while it gets no calls")
    return keep("it runs on no instance (scaled to zero): it costs nothing while it gets no calls")
