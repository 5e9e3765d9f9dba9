"""The facts about an endpoint, and the words of a decision. No AWS call, no clock.

A field that is None was not read yet; `Unreadable` was tried and failed. The rules ask for what they need.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum
from functools import cached_property
from typing import Any, Self

from core.aws.tags import Tags
from core.endpoint.hosting import Hosting

NAMESPACE = "AWS/SageMaker"


class Action(StrEnum):
    """The possible decisions; `delete` of Hosting's own endpoint means putting it to sleep."""

    KEEP = "keep"
    WARN = "warn"
    DELETE = "delete"
    NOTIFY = "notify"


class Need(Enum):
    """The facts that must be read before the decision can be made."""

    TAGS = "tags"
    DETAIL = "detail"
    CONFIG = "config"
    METRICS = "metrics"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A rule's outcome."""

    action: Action
    reason: str


def keep(reason: str) -> Verdict:
    """The endpoint stays, because of `reason`."""
    return Verdict(action=Action.KEEP, reason=reason)


def report(reason: str) -> Verdict:
    """The endpoint stays, and people get a message with `reason`."""
    return Verdict(action=Action.NOTIFY, reason=reason)


@dataclass(frozen=True)
class Unreadable:
    """A read that failed, and why."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """The parts of an endpoint, or of another resource, that the rules about owners and protection read."""

    tags: Tags | Unreadable | None = None

    @property
    def known_tags(self) -> Tags:
        """The tags if they were read, else none."""
        return self.tags if isinstance(self.tags, Mapping) else {}

    @property
    def hosting_endpoint(self) -> bool:
        """Whether the Hosting stack's outputs name it: only an endpoint's can be named."""
        return False


@dataclass(frozen=True)
class Series:
    """One CloudWatch metric of AWS/SageMaker with its exact set of dimensions."""

    metric: str
    dimensions: frozenset[tuple[str, str]]
    statistic: str = "Sum"

    @classmethod
    def of(cls, metric: str, statistic: str = "Sum", /, **dimensions: str) -> Self:
        """`Series.of("Invocations", EndpointName="e", VariantName="v")`."""
        return cls(metric=metric, dimensions=frozenset(dimensions.items()), statistic=statistic)

    def __str__(self) -> str:
        inner = ", ".join(f"{name}={value}" for name, value in sorted(self.dimensions))
        return f"{self.metric}{{{inner}}}"


@dataclass(frozen=True)
class Reading:
    """The sum of a series' points since the window opened, and the end of its last point above 0."""

    total: float = 0.0
    last: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A production or shadow variant, as it runs or as it is configured.

    `instances` is None where AWS does not say; one without a model can host inference components.
    """

    name: str
    instance_type: str = ""
    instances: int | None = None
    has_model: bool = True
    serverless: bool = False
    provisioned_concurrency: int = 0


@dataclass(frozen=True, kw_only=True)
class Description:
    """The answer of DescribeEndpoint or DescribeEndpointConfig, as far as it matters.

    `config_name` and `enhanced_metrics` are the endpoint's.
    """

    variants: tuple[Variant, ...]
    config_name: str = ""
    asynchronous: bool = False
    enhanced_metrics: bool = False


@dataclass(frozen=True, kw_only=True)
class Component:
    """An inference component on the endpoint. `modified` is None where AWS does not say."""

    name: str
    variant: str
    status: str
    created: datetime
    modified: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoint(Tagged):
    """An endpoint with everything read so far; identity is ARN + creation time. Times are UTC-aware."""

    name: str
    arn: str
    status: str
    created: datetime
    modified: datetime
    detail: Description | Unreadable | None = None
    config: Description | Unreadable | None = None
    components: tuple[Component, ...] | Unreadable = ()
    discovered: frozenset[Series] | Unreadable = frozenset()
    activity: Mapping[Series, Reading | Unreadable] = field(default_factory=dict)
    hosting: Hosting | Unreadable | None = None

    @property
    def configured(self) -> tuple[Variant, ...]:
        """The variants of the endpoint configuration if it was read, else none."""
        return self.config.variants if isinstance(self.config, Description) else ()

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """The variants as described, completed by the configuration where that was read.

        AWS describes no variants of an endpoint that failed, and not every answer repeats serverless
        settings.
        """
        described = self.detail.variants if isinstance(self.detail, Description) else ()
        running = {variant.name: variant for variant in described}
        for configured in self.configured:
            variant = running.get(configured.name)
            if variant is None and not described:
                variant = Variant(name=configured.name)
            if variant is not None and configured.serverless:
                variant = replace(
                    variant,
                    serverless=True,
                    provisioned_concurrency=max(
                        variant.provisioned_concurrency, configured.provisioned_concurrency
                    ),
                )
            if variant is not None:
                running[configured.name] = variant
        return tuple(running.values())

    @property
    def asynchronous(self) -> bool:
        """Whether it queues requests."""
        return any(a.asynchronous for a in (self.detail, self.config) if isinstance(a, Description))

    @property
    def hosting_endpoint(self) -> bool:
        """Whether the Hosting stack's outputs name this endpoint."""
        return isinstance(self.hosting, Hosting) and self.hosting.endpoint_name == self.name

    @property
    def last_used(self) -> datetime | None:
        """The end of the last minute with use that any series shows."""
        seen = [r.last for r in self.activity.values() if isinstance(r, Reading) and r.last is not None]
        return max(seen, default=None)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer for one endpoint; its fields are the function's contract."""

    endpoint: str
    action: Action
    reason: str
    evidence: dict[str, Any]
