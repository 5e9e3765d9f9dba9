"""The reaper's settings, read from environment variables and the event when it is called."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self, cast

from core.aws.calls import region_from
from core.environment import Variables
from core.names import KEEP_TAG, METRIC_NAMESPACE

MINUTE = timedelta(minutes=1)
_MINUTES = ("idle", "min_age", "warn", "metric_delay")
"""Settings that are a duration; their variables are in minutes, such as IDLE_MINUTES."""
_TEXTS = ("keep_tag", "audit_bucket", "topic_arn", "hosting_stack", "metric_namespace")
"""Settings that are a text; their variables have the same names."""


class Scope(StrEnum):
    """The endpoints that may be touched: those with the project's tag, or all of the account."""

    PROJECT = "project"
    ACCOUNT = "account"


class Kind(StrEnum):
    """Resources besides endpoints that bill without being used; the values are those of `OTHER_KINDS`."""

    NOTEBOOKS = "notebook-instances"
    TRAINING = "training-jobs"
    PROCESSING = "processing-jobs"
    APPS = "apps"


@dataclass(frozen=True, kw_only=True)
class ReaperSettings:
    """Settings of the idle reaper: when an endpoint counts as idle, and what the reaper may do then."""

    project: str = "FinExpert"
    region: str = "us-east-1"
    idle: timedelta = timedelta(minutes=60)
    min_age: timedelta = timedelta(minutes=60)
    warn: timedelta = timedelta(0)
    metric_delay: timedelta = timedelta(minutes=3)
    scope: Scope = Scope.PROJECT
    keep_tag: str = KEEP_TAG
    dry_run: bool = False
    max_deletes: int = 5
    audit_bucket: str = ""
    topic_arn: str = ""
    hosting_stack: str = ""
    #: Regions to look at; empty means the own one.
    regions: tuple[str, ...] = ()
    #: Kinds of resources besides endpoints that are looked at; they are reported, never stopped.
    other_kinds: tuple[Kind, ...] = ()
    metric_namespace: str = METRIC_NAMESPACE
    #: Ask CloudFormation for an endpoint's stack before deleting it; needs a right that not every role has.
    ask_stacks: bool = False

    def window_start(self, now: datetime) -> datetime:
        """Use after this moment keeps an endpoint.

        CloudWatch shows a metric some minutes late, so the idle time is counted back from `now -
        metric_delay`; what is already visible of the last minutes counts as well.
        """
        return now - self.metric_delay - self.idle

    @property
    def least_age(self) -> timedelta:
        """Younger endpoints are kept: their window was not yet open, so no metric proves nothing."""
        return max(self.min_age, self.idle + self.metric_delay)

    def of_region(self, region: str) -> Self:
        """The same settings for another region; the Hosting stack is only where the function itself runs."""
        if region == self.region:
            return self
        return replace(self, region=region, hosting_stack="")

    def environment(self) -> dict[str, str]:
        """The variables that `load` reads, besides PROJECT and the region, which every function has."""

        values = {
            **{f"{name.upper()}_MINUTES": f"{getattr(self, name) / MINUTE:g}" for name in _MINUTES},
            **{name.upper(): getattr(self, name) for name in _TEXTS},
            "SCOPE": str(self.scope),
            "DRY_RUN": "true" if self.dry_run else "false",
            "MAX_DELETES": str(self.max_deletes),
            "REGIONS": ",".join(self.regions),
            "OTHER_KINDS": ",".join(self.other_kinds),
            "ASK_STACKS": "true" if self.ask_stacks else "",
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def load(cls, environ: Mapping[str, str], event: Mapping[str, Any]) -> Self:
        """Read all variables; ConfigurationError names every one that cannot be used.

        `DRY_RUN` unset means false in the scope `project`, but true in the scope `account`: other people's
        endpoints are touched only when someone has said so. The event can switch a dry run on, never off.
        """
        v = Variables(environ)
        kinds = v.words("OTHER_KINDS")
        scope = Scope(v.choice("SCOPE", cls.scope, tuple(Scope)))
        durations = {
            name: v.number(f"{name.upper()}_MINUTES", getattr(cls, name) / MINUTE) for name in _MINUTES
        }
        settings = cls(
            project=v.text("PROJECT", cls.project),
            region=region_from(environ),
            scope=scope,
            dry_run=v.flag("DRY_RUN", scope is Scope.ACCOUNT) or event.get("dry_run") is True,
            max_deletes=v.whole("MAX_DELETES", cls.max_deletes),
            regions=v.words("REGIONS"),
            other_kinds=tuple(Kind(word) for word in kinds if word in set(Kind)),
            ask_stacks=v.flag("ASK_STACKS", cls.ask_stacks),
            **cast(Any, {name: timedelta(minutes=minutes) for name, minutes in durations.items()}),
            **cast(Any, {name: v.text(name.upper(), getattr(cls, name)) for name in _TEXTS}),
        )
        for word in kinds:
            if word not in set(Kind):
                v.problem(f"OTHER_KINDS has {word!r}: write some of {', '.join(Kind)}")
        if settings.idle <= timedelta(0):
            v.problem("IDLE_MINUTES is 0: write how many minutes without a call make an endpoint idle")
        v.check()
        return settings
