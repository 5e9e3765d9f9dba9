"""The rules, one a module, and the ladder on which they stand.

`decide` climbs from what is known without a call to what costs one for each endpoint; the first rule with an
outcome decides, and an endpoint that no rule holds is idle.
"""

from collections.abc import Callable
from datetime import datetime

from core.reaper.facts import Action, Endpoint, Need, Series, Verdict
from core.reaper.rules import (
    age,
    backlog,
    capacity,
    components,
    discovered,
    in_flight,
    ownership,
    protection,
    requests,
    scope,
    status,
    warning,
)
from core.reaper.settings import ReaperSettings
from core.wording import minutes

Rule = Callable[[Endpoint, ReaperSettings, datetime], Verdict | Need | None]

#: A `Need` between the rules: what stands after it is worth reading that.
LADDER: tuple[Rule | Need, ...] = (
    status.judge,
    age.judge,
    scope.judge,
    protection.judge,
    discovered.judge,
    Need.TAGS,
    Need.DETAIL,
    capacity.judge,
    requests.judge,
    in_flight.judge,
    backlog.judge,
    components.judge,
    ownership.judge,
    warning.judge,
)

USE_RULES = (discovered, requests, in_flight, backlog, components)


def decide(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | Need:
    """The decision on one endpoint, or what must be read first. Pure."""
    for step in LADDER:
        outcome = _unread(endpoint, step) if isinstance(step, Need) else step(endpoint, settings, now)
        if outcome is not None:
            return outcome
    return Verdict(action=Action.DELETE, reason=f"no use for {minutes(settings.idle)} or more")


def wanted_series(endpoint: Endpoint) -> set[Series]:
    """All series that the rules look at for what is known of the endpoint."""
    return {series for rule in USE_RULES for series in rule.series(endpoint)}


def _unread(endpoint: Endpoint, need: Need) -> Need | None:
    fields = {Need.TAGS: endpoint.tags, Need.DETAIL: endpoint.detail}
    return need if fields[need] is None else None
