"""The project's endpoints that are gone, from CloudTrail's record of the calls that made and deleted them.

SageMaker forgets a deleted endpoint at once. CloudTrail keeps each call for 90 days, also those of a time in
which no run looked, so nothing has to be stored and a failed run loses nothing. It shows calls after about 15
minutes: until then a deletion is not known, and the endpoint counts as alive.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.aws.calls import items_of
from core.money.fleets import fleets_of, lower
from core.money.spend import Fleet, Lifetime
from core.money.time import month_start
from core.names import PROJECT_TAG

#: DeleteEndpoint returns at once; AWS bills until the instances are gone.
REMOVAL = timedelta(minutes=5)
#: An endpoint that is older than this when it is deleted was made before the record that is asked for.
BEFORE_THE_MONTH = timedelta(days=60)
#: CloudTrail's history has 90 days, and refuses to look further back.
HISTORY = timedelta(days=89)
MAKE, CHANGE, DELETE = "CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint"
CONFIGURE = "CreateEndpointConfig"


@dataclass(frozen=True, kw_only=True)
class EndpointCall:
    """One successful call that made, changed or deleted an endpoint; `tags` are those it was made with."""

    time: datetime
    action: str
    endpoint: str
    config: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


def gone(
    calls: Iterable[EndpointCall],
    *,
    project: str,
    alive: Collection[str],
    without: Collection[str],
    now: datetime,
) -> list[tuple[str, Lifetime]]:
    """The lives that are over, of endpoints made with the project's tag, each after its configuration's name.

    An update ends one life and begins another, since the instances may be others. `alive`: names that exist
    now, whose last life SageMaker itself shows. `without`: names that something else accounts for.
    """
    found: list[tuple[str, Lifetime]] = []
    open_lives: dict[str, EndpointCall] = {}

    def close(name: str, end: datetime) -> None:
        begun = open_lives.pop(name, None)
        if begun is not None:
            over = Lifetime(name=name, start=begun.time, end=min(end, now), fleets=(), source="CloudTrail")
            found.append((begun.config, over))

    for call in sorted(calls, key=lambda call: call.time):
        if call.endpoint in without:
            continue
        if call.action == MAKE and call.tags.get(PROJECT_TAG) == project:
            close(call.endpoint, call.time)  # its deletion is not in the trail yet
            open_lives[call.endpoint] = call
        elif call.action == CHANGE and call.endpoint in open_lives:
            if call.endpoint not in alive:
                close(call.endpoint, call.time)
            open_lives[call.endpoint] = call
        elif call.action == DELETE:
            close(call.endpoint, call.time + REMOVAL)
    for name in [name for name in open_lives if name not in alive]:
        close(name, now)
    return found


class CallRecord:
    """CloudTrail's record of the calls on endpoints, as far back as the month needs it.

    Errors of CloudTrail pass through.
    """

    def __init__(self, cloudtrail: Any, sagemaker: Any, now: datetime) -> None:
        self._cloudtrail, self._sagemaker, self._now = cloudtrail, sagemaker, now
        self._since = max(month_start(now) - BEFORE_THE_MONTH, now - HISTORY)
        self._calls = [call for action in (MAKE, CHANGE, DELETE) for call in self._of(action)]

    def deleted(self, endpoint: str) -> datetime | None:
        """The time when an endpoint of this name was last gone; None if no call shows it."""
        times = [
            call.time + REMOVAL for call in self._calls if (call.action, call.endpoint) == (DELETE, endpoint)
        ]
        return max(times, default=None)

    def gone(
        self, *, project: str, alive: Collection[str], without: Collection[str], month: datetime
    ) -> list[Lifetime]:
        """The lives of this month that are over, without what billed by the request alone."""
        lives = gone(self._calls, project=project, alive=alive, without=without, now=self._now)
        over = [(config, life) for config, life in lives if life.end and life.end > month]
        fleets = self._fleets({config for config, _ in over}) if over else {}
        return [
            replace(life, fleets=fleets.get(config, ())) for config, life in over if fleets.get(config) != ()
        ]

    def _of(self, action: str) -> list[EndpointCall]:
        return [
            EndpointCall(
                time=time,
                action=action,
                endpoint=str(request["endpointname"]),
                config=str(request.get("endpointconfigname", "")),
                tags={tag["key"]: tag.get("value", "") for tag in map(lower, request.get("tags") or [])},
            )
            for time, request in self._requests(action)
            if request.get("endpointname")
        ]

    def _requests(self, action: str) -> Iterable[tuple[datetime, dict[str, Any]]]:
        """Time and request parameters, keys in lower case, of the calls of `action` that succeeded."""
        for event in items_of(
            self._cloudtrail.lookup_events,
            "Events",
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": action}],
            StartTime=self._since,
            EndTime=self._now,
            MaxResults=50,
        ):
            record = json.loads(event["CloudTrailEvent"])
            if not record.get("errorCode"):
                yield event["EventTime"], lower(record.get("requestParameters") or {})

    def _fleets(self, names: set[str]) -> dict[str, tuple[Fleet, ...]]:
        """The instances of endpoint configurations: as they are, or as they were made if they are gone."""
        found: dict[str, tuple[Fleet, ...]] = {}
        for name in sorted(names):
            try:
                found[name] = fleets_of(self._sagemaker.describe_endpoint_config(EndpointConfigName=name))
            except Exception:  # deleted, most likely; the record of its creation is looked for below
                continue
        if names - set(found):
            for _, request in self._requests(CONFIGURE):
                name = str(request.get("endpointconfigname", ""))
                if name in names and name not in found and request.get("productionvariants"):
                    found[name] = fleets_of(request)
        return found
