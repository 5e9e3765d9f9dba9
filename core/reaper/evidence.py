"""The reasons of a decision and the endpoint's cost, as plain values for the answer and the audit line."""

from datetime import datetime
from typing import Any

from core.aws.tags import owning_stack
from core.money.prices import UnknownPrice, hourly
from core.money.time import HOUR
from core.names import DELETE_AFTER_TAG
from core.reaper.facts import Endpoint, Reading, Unreadable
from core.reaper.settings import ReaperSettings

#: A list of series in the evidence ends here, with a count; adapters can make it long.
SHOWN = 12


def usd_per_hour(endpoint: Endpoint, region: str) -> float | None:
    """Dollars an hour of the instances that run; None while that is not known, or has no price."""
    counts = {variant.name: variant.instances for variant in endpoint.variants}
    total = 0.0
    for configured in endpoint.configured:
        if configured.serverless:
            return None
        count = counts.get(configured.name)
        count = configured.instances if count is None else count
        try:
            total += (count or 0) * hourly(configured.instance_type, region, "hosting").usd
        except UnknownPrice:
            return None
    return total if endpoint.configured else None


def wasted_usd(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> float | None:
    """The least that it has cost since it was last used; the window shows no further back."""
    rate = usd_per_hour(endpoint, settings.region)
    since = max(endpoint.created, endpoint.last_used or settings.window_start(now))
    return None if rate is None else rate * ((now - since) / HOUR)


def evidence(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> dict[str, Any]:
    """The values that were read; one that is absent was not needed for the decision."""
    found: dict[str, Any] = {
        "arn": endpoint.arn,
        "status": endpoint.status,
        "created": iso(endpoint.created),
        "last_modified": iso(endpoint.modified),
        "window": [iso(settings.window_start(now)), iso(now)],
    }
    if endpoint.variants:
        found["instances"] = {variant.name: variant.instances for variant in endpoint.variants}
    if endpoint.asynchronous:
        found["asynchronous"] = True
    if isinstance(endpoint.components, Unreadable):
        found["components"] = f"unreadable: {endpoint.components.why}"
    elif endpoint.components:
        found["components"] = {component.name: component.status for component in endpoint.components}
    if endpoint.activity:
        found["metrics"] = _metrics(endpoint)
        found["last_used"] = iso(endpoint.last_used) if endpoint.last_used else None
    found |= _tags(endpoint, settings)
    rate = usd_per_hour(endpoint, settings.region)
    if rate is not None:
        found["usd_per_hour"] = round(rate, 4)
        found["wasted_usd_at_least"] = round(wasted_usd(endpoint, settings, now) or 0.0, 4)
    return found


def _metrics(endpoint: Endpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for series, reading in sorted(endpoint.activity.items(), key=lambda item: str(item[0])):
        if len(shown) == SHOWN:
            shown["…"] = f"{len(endpoint.activity) - SHOWN} more"
            break
        shown[str(series)] = reading.total if isinstance(reading, Reading) else f"unreadable: {reading.why}"
    return shown


def _tags(endpoint: Endpoint, settings: ReaperSettings) -> dict[str, Any]:
    if isinstance(endpoint.tags, Unreadable):
        return {"tags": f"unreadable: {endpoint.tags.why}"}
    shown = (settings.keep_tag, DELETE_AFTER_TAG)
    found: dict[str, Any] = {
        "tags": {key: endpoint.known_tags[key] for key in shown if key in endpoint.known_tags}
    }
    if owning_stack(endpoint.known_tags):
        found["stack"] = owning_stack(endpoint.known_tags)
    return {key: value for key, value in found.items() if value}


def iso(moment: datetime) -> str:
    """A moment as answers and logs write it, to the second."""
    return moment.isoformat(timespec="seconds")
