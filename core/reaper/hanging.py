"""Finds endpoints and components that hang in a state that should have passed, and may still bill. Pure.

This is no sign of use or idleness and leads to no deletion: people get an alarm besides the decision.
"""

from datetime import datetime

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
    found = []
    limit = None if endpoint.status in DELETABLE else ENDPOINT_LIMITS.get(endpoint.status, UNKNOWN_LIMIT)
    since = endpoint.created if endpoint.status == "Creating" else endpoint.modified
    if limit and now - since > limit:
        found.append(f"it has been in {endpoint.status} for {(now - since) / HOUR:.1f} h")
    components = endpoint.components if isinstance(endpoint.components, tuple) else ()
    for component in components:
        began = _since(component)
        settled = component.status in SETTLED
        most = None if settled else COMPONENT_LIMITS.get(component.status, UNKNOWN_LIMIT)
        if began and most and now - began > most:
            found.append(
                f"its component {component.name} has been in {component.status}"
                f" for {(now - began) / HOUR:.1f} h"
            )
    return found


def _since(component: Component) -> datetime | None:
    return component.created if component.status == "Creating" else component.modified
