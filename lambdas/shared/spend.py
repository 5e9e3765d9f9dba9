"""What this project has cost this month, from what really ran × price: pure arithmetic, no AWS call.

AWS's own figures lag 8 to 12 hours, in which one g5.2xlarge burns half of a $25 budget. So the sum is made
from the training jobs' billable seconds and the endpoints' lifetimes; `spend_sources` reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lambdas.shared.prices import Component, Price, UnknownPrice, hourly, volume_hourly_usd

PriceOf = Callable[[str, str, Component], Price]


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A training job as DescribeTrainingJob tells of it; times are UTC-aware.

    `start` is None until instances are there. `billable_seconds` counts for all instances alike (for spot,
    what is left after the savings); SageMaker tells it when the job has ended.
    """

    name: str
    status: str
    instance_type: str
    instances: int
    volume_gb: float
    start: datetime | None
    end: datetime | None
    billable_seconds: float | None
    max_runtime_seconds: float

    @property
    def running(self) -> bool:
        """Whether it bills now or is about to."""
        return self.status in ("InProgress", "Stopping")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Instances of one kind behind an endpoint."""

    instance_type: str
    instances: int


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """One life of an endpoint: from its creation to its deletion (`end` None: it lives)."""

    name: str
    start: datetime
    end: datetime | None
    fleets: tuple[Fleet, ...]
    source: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One amount of the month, with the sum that makes it."""

    name: str
    kind: str
    usd: float
    how: str
    running: bool
    usd_per_hour: float


@dataclass(frozen=True, kw_only=True)
class Spend:
    """The month so far. `committed_usd`: what running jobs can still cost until they reach MaxRuntime.

    `unpriced` names what has no price and is therefore missing from the sums; `unread` what could not be
    read. Whoever decides about money must treat either as a reason not to spend more.
    """

    month: datetime
    now: datetime
    lines: tuple[Line, ...]
    committed_usd: float
    unpriced: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def total_usd(self) -> float:
        """Dollars since the month began."""
        return sum((line.usd for line in self.lines), 0.0)

    @property
    def burn_usd_per_hour(self) -> float:
        """Dollars an hour of what runs now."""
        return sum((line.usd_per_hour for line in self.lines if line.running), 0.0)


@dataclass(slots=True)
class Usage:
    """What the sources found, ready to be priced."""

    jobs: list[TrainingJob] = field(default_factory=list)
    lifetimes: list[Lifetime] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def month_start(now: datetime) -> datetime:
    """The first instant of `now`'s month in UTC: AWS bills calendar months of UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def hours_between(start: datetime, end: datetime, month: datetime) -> float:
    """Hours of [start, end] that lie in the month beginning at `month` (whose end is not before `end`)."""
    return max(timedelta(0), end - max(start, month)) / timedelta(hours=1)


def account(usage: Usage, *, region: str, now: datetime, price: PriceOf = hourly) -> Spend:
    """Price the usage of the month that `now` lies in."""
    month = month_start(now)
    lines: list[Line] = []
    unpriced: list[str] = []
    committed = 0.0
    for job in usage.jobs:
        try:
            line, ahead = _training(job, region, month, now, price)
        except UnknownPrice as error:
            unpriced.append(f"{job.name}: {error}")
            continue
        lines.append(line)
        committed += ahead
    for life in usage.lifetimes:
        try:
            lines.append(_endpoint(life, region, month, now, price))
        except UnknownPrice as error:
            unpriced.append(f"{life.name}: {error}")
    return Spend(
        month=month,
        now=now,
        lines=tuple(line for line in lines if line.usd > 0 or line.running),
        committed_usd=committed,
        unpriced=tuple(unpriced),
        unread=tuple(usage.unread),
    )


def _training(
    job: TrainingJob, region: str, month: datetime, now: datetime, price: PriceOf
) -> tuple[Line, float]:
    each = price(job.instance_type, region, "training")
    rate = (each.usd + volume_hourly_usd(job.volume_gb, region)) * job.instances
    hours = training_hours(job, month, now)
    elapsed = (now - job.start).total_seconds() if job.start else 0.0
    ahead = max(0.0, job.max_runtime_seconds - elapsed) / 3600 * rate if job.running else 0.0
    measure = "billable" if job.billable_seconds is not None else "since its instances came up"
    how = (
        f"{hours:.3f} h {measure} × {job.instances} × ({job.instance_type} ${each.usd:g}/h"
        f" + {job.volume_gb:g} GB volume)"
    )
    line = Line(
        name=job.name,
        kind="training",
        usd=hours * rate,
        how=how,
        running=job.running,
        usd_per_hour=rate if job.running else 0.0,
    )
    return line, ahead


def training_hours(job: TrainingJob, month: datetime, now: datetime) -> float:
    """Hours to pay for in the month. A job over the turn of the month is split by its elapsed time."""
    if job.start is None:
        return 0.0
    end = job.end or now
    inside = hours_between(job.start, end, month)
    if job.billable_seconds is None:
        return inside
    elapsed = (end - job.start) / timedelta(hours=1)
    share = inside / elapsed if elapsed > 0 else float(end >= month)
    return job.billable_seconds / 3600 * share


def _endpoint(life: Lifetime, region: str, month: datetime, now: datetime, price: PriceOf) -> Line:
    if not life.fleets:
        raise UnknownPrice("its instance type could not be found out")
    rate = sum(f.instances * price(f.instance_type, region, "hosting").usd for f in life.fleets)
    hours = hours_between(life.start, life.end or now, month)
    kinds = " + ".join(
        f"{f.instances} × {f.instance_type} ${price(f.instance_type, region, 'hosting').usd:g}/h"
        for f in life.fleets
    )
    running = life.end is None
    return Line(
        name=life.name,
        kind="endpoint",
        usd=hours * rate,
        how=f"{hours:.3f} h from {max(life.start, month):%d %b %H:%M} UTC × ({kinds}), by {life.source}",
        running=running,
        usd_per_hour=rate if running else 0.0,
    )


@dataclass(frozen=True, kw_only=True)
class StackEvent:
    """What matters of a CloudFormation event."""

    time: datetime
    logical_id: str
    resource_type: str
    status: str


def lifetimes(
    events: Iterable[StackEvent], *, name: str, fleets: tuple[Fleet, ...], until: datetime | None = None
) -> list[Lifetime]:
    """The lives of a stack's endpoint from its events.

    A life runs from the start of the creation to the end of the deletion, so it is never counted too short. A
    creation that failed ends with its deletion or with the end of the roll-back, whichever is told. Where the
    events begin with a deletion, the endpoint lived since before the first event. `until`: when the whole
    stack was deleted, if it was.
    """
    ordered = sorted(events, key=lambda event: event.time)
    found: list[Lifetime] = []
    begun: dict[str, datetime] = {}
    failed: set[str] = set()

    def close(logical_id: str, start: datetime, end: datetime | None) -> None:
        found.append(Lifetime(name=name, start=start, end=end, fleets=fleets, source="the stack's events"))
        begun.pop(logical_id, None)
        failed.discard(logical_id)

    for event in ordered:
        if event.resource_type == "AWS::CloudFormation::Stack":
            if event.status.endswith("_COMPLETE"):
                over = set(begun) if event.status == "DELETE_COMPLETE" else failed & set(begun)
                for logical_id in over:
                    close(logical_id, begun[logical_id], event.time)
        elif event.resource_type != "AWS::SageMaker::Endpoint":
            continue
        elif event.status == "CREATE_IN_PROGRESS":
            begun.setdefault(event.logical_id, event.time)
        elif event.status == "CREATE_FAILED":
            failed.add(event.logical_id)
        elif event.status == "DELETE_COMPLETE":
            close(event.logical_id, begun.get(event.logical_id, ordered[0].time), event.time)
    for logical_id, start in list(begun.items()):
        close(logical_id, start, until)
    return found
