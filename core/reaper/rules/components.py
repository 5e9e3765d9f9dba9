"""Inference components, base and adapter: their requests are published under their own name only."""

from datetime import datetime, timedelta

from core.reaper.facts import Endpoint, Need, Series, Unreadable, Verdict, keep, report
from core.reaper.rules.use import judge_series
from core.reaper.settings import ReaperSettings

#: A component that is still being created after this long will not come up, but its instance bills.
STUCK = timedelta(hours=3)
SETTLED = ("InService", "Failed")


def series(endpoint: Endpoint) -> list[Series]:
    """Requests and concurrency of every component, under each set of dimensions that AWS may use for them."""
    if isinstance(endpoint.components, Unreadable):
        return []
    found = []
    for component in endpoint.components:
        found += [
            Series.of("Invocations", InferenceComponentName=component.name),
            Series.of("ConcurrentRequestsPerCopy", "Maximum", InferenceComponentName=component.name),
            Series.of(
                "Invocations",
                EndpointName=endpoint.name,
                VariantName=component.variant,
                InferenceComponentName=component.name,
            ),
        ]
    return found


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | Need | None:
    """Keep if a component is used or is changing; report one that hangs; keep if they are unknown."""
    if isinstance(endpoint.components, Unreadable):
        return _unlisted(endpoint, endpoint.components)
    for component in endpoint.components:
        if component.status in SETTLED:
            continue
        if now - component.created > STUCK and component.status == "Creating":
            return report(
                f"its component {component.name} has been in Creating for"
                f" {(now - component.created) / timedelta(hours=1):.1f} h while its instance bills:"
                " delete the component"
            )
        return keep(f"its component {component.name} is {component.status}")
    return judge_series(series(endpoint), endpoint, settings, now)


def _unlisted(endpoint: Endpoint, problem: Unreadable) -> Verdict | Need | None:
    """Components can only be on variants without a model, so the configuration can rule them out."""
    if endpoint.config is None:
        return Need.CONFIG
    if not isinstance(endpoint.config, Unreadable) and all(v.has_model for v in endpoint.configured):
        return None
    return keep(f"its inference components cannot be listed, so their use is unknown ({problem.why})")
