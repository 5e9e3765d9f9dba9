"""Finds endpoints and components that hang in a state that should have passed, and may still bill. Pure.

This is no sign of use or idleness and leads to no deletion: people get an alarm besides the decision.
"""

from collections.abc import Container, Mapping
from datetime import datetime, timedelta

from core.money.time import HOUR
from core.reaper.facts import Component, Endpoint
from core.reaper.rules.components import SETTLED
from core.reaper.rules.status import DELETABLE

#: The longest time of each state. AWS limits creation to an hour each for download and start-up; a rolling
#: update may be given eight hours; a deletion takes minutes. The last two end only by people: the endpoint
#: serves with a mix of configurations or not at all, and its instances bill.
ENDPOINT_LIMITS = {
    "Creating": 3 * HOUR,
    "Updating": 12 * HOUR,
    "SystemUpdating": 12 * HOUR,
    "RollingBack": 12 * HOUR,
    "Deleting": HOUR,
    "UpdateRollbackFailed": HOUR,
    "OutOfService": HOUR,
}
#: For a status that AWS did not have when this was written.
UNKNOWN_LIMIT = 12 * HOUR
COMPONENT_LIMITS = {"Creating": 3 * HOUR, "Updating": 3 * HOUR, "Deleting": HOUR}


def hanging(endpoint: Endpoint, now: datetime) -> list[str]:
    """One sentence for each part of the endpoint that hangs; none if all is well or not known."""
    found = _overdue(endpoint, "it", DELETABLE, ENDPOINT_LIMITS, now)
    components = endpoint.components if isinstance(endpoint.components, tuple) else ()
    for each in components:
        found += _overdue(each, f"its component {each.name}", SETTLED, COMPONENT_LIMITS, now)
    return found


def _overdue(
    part: Endpoint | Component,
    called: str,
    settled: Container[str],
    limits: Mapping[str, timedelta],
    now: datetime,
) -> list[str]:
    since = part.created if part.status == "Creating" else part.modified
    if part.status in settled or since is None or now - since <= limits.get(part.status, UNKNOWN_LIMIT):
        return []
    return [f"{called} has been in {part.status} for {(now - since) / HOUR:.1f} h"]
