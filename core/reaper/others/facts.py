"""The facts about a notebook instance, job or app."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.reaper.facts import Action, Tagged, Unreadable
from core.reaper.settings import Kind

#: Whether these are used cannot be read; one that has run for as long as this is reported.
UNATTENDED = timedelta(hours=12)
#: A change of state takes minutes; after this long it hangs.
STUCK = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class ResourceDetail:
    """The answer of its Describe call. Times are UTC-aware; None means that AWS does not say.

    Args:
        arn: of the resource; the list of apps lacks it.
        started: when a job's instances began to bill.
        limit: how long a job may run.
        wait_limit: how long a spot job may take, waiting included, from its creation.
        active: when a person last did something in an app.
        checked: when AWS last looked whether an app lives.
        instances: how many.
    """

    arn: str
    started: datetime | None = None
    limit: timedelta | None = None
    wait_limit: timedelta | None = None
    active: datetime | None = None
    checked: datetime | None = None
    instance_type: str = ""
    instances: int = 1


@dataclass(frozen=True, kw_only=True)
class Resource(Tagged):
    """A resource with everything read so far; None was not read yet."""

    kind: Kind
    name: str
    status: str
    created: datetime
    modified: datetime
    arn: str = ""
    instance_type: str = ""
    identity: Mapping[str, str]
    detail: ResourceDetail | Unreadable | None = None

    @property
    def known(self) -> ResourceDetail | None:
        """The detail if it was read."""
        return self.detail if isinstance(self.detail, ResourceDetail) else None


@dataclass(frozen=True, kw_only=True)
class OtherDecision:
    """The answer for one resource: `keep` or `notify`."""

    kind: Kind
    name: str
    action: Action
    reason: str
    evidence: dict[str, Any]
