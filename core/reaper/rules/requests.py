"""Requests, variant by variant, shadow variants too: AWS publishes none for the endpoint as a whole."""

from datetime import datetime

from core.reaper.facts import Endpoint, Need, Series, Verdict, keep
from core.reaper.rules.use import judge_series
from core.reaper.settings import ReaperSettings


def series(endpoint: Endpoint) -> list[Series]:
    """`Invocations` of every variant."""
    return [
        Series.of("Invocations", EndpointName=endpoint.name, VariantName=variant.name)
        for variant in endpoint.variants
    ]


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | Need | None:
    """Keep if any variant got a request."""
    if not endpoint.variants:
        if endpoint.config is None:
            return Need.CONFIG
        if endpoint.status == "InService":
            return keep("its variants cannot be found out, so its requests are unknown")
    return judge_series(series(endpoint), endpoint, settings, now)
