"""This month's cost of the project: what really ran × its price. Pure arithmetic, no AWS call.

AWS's own figures lag 8 to 12 hours, in which one g5.2xlarge burns half of a $25 budget. So the sum is made
from the training jobs' billable seconds and the endpoints' lifetimes; `sources` reads them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from core.money.charges import Charges
from core.money.prices import READ_FROM_AWS, Component, Price, PriceOf, UnknownPrice, dearest, hourly
from core.money.requests import Paid
from core.money.time import HOUR, hours_between, month_end, month_start
from core.money.training_job import TrainingJob
from core.wording import duration

OTHER_USES: tuple[Component, ...] = ("training", "hosting", "notebook", "studio")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Instances behind an endpoint, a notebook, a job or an app; no type where it is not known."""

    instance_type: str = ""
    instances: int = 1


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """One life of what bills by the hour: from its creation to its deletion (`end` None: it lives).

    `component` is what AWS prices it as; `source` says where its times come from.
    """

    name: str
    start: datetime
    end: datetime | None
    fleets: tuple[Fleet, ...]
    source: str
    component: Component = "hosting"

    @property
    def kind(self) -> str:
        """The name of the kind for people."""
        return "endpoint" if self.component == "hosting" else self.component


@dataclass(frozen=True, kw_only=True)
class Line:
    """One amount of the month; `how` puts the sum that makes it into words, for those who show them."""

    name: str
    kind: str
    usd: float
    how: Callable[[], str]
    running: bool = False
    usd_per_hour: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Spend:
    """The month so far. `committed_usd`: the most that running jobs can still cost.

    `unpriced` names what has no price: jobs and endpoints count at the dearest price known, other people's
    machines as the same type for another use, if that has one. `estimated` names those of them whose type's
    price was read from AWS, which is certain enough. `unread` names what could not be read and is missing
    from the sums. A decision about money must take unpriced and unread for a reason not to spend more. `jobs`
    are the names of all training jobs that were found, `endpoints` those of the project's endpoints that run
    beside Hosting's, priced or not.
    """

    month: datetime
    now: datetime
    lines: tuple[Line, ...]
    committed_usd: float
    unpriced: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    estimated: tuple[str, ...] = ()

    @property
    def total_usd(self) -> float:
        """Dollars since the month began."""
        return sum((line.usd for line in self.lines), 0.0)

    @property
    def burn_usd_per_hour(self) -> float:
        """Dollars an hour of what runs now."""
        return sum((line.usd_per_hour for line in self.lines if line.running), 0.0)

    @property
    def beside_usd_per_hour(self) -> float:
        """Dollars an hour of what runs now and has no fixed end: all but training jobs."""
        return sum(
            (each.usd_per_hour for each in self.lines if each.running and each.kind != "training"), 0.0
        )

    @property
    def projected_usd(self) -> float:
        """Dollars at the month's end if everything goes on as now; jobs end at their MaxRuntime."""
        hours = (month_end(self.now) - self.now) / HOUR
        ahead = self.burn_usd_per_hour - self.beside_usd_per_hour
        return self.total_usd + self.beside_usd_per_hour * hours + min(self.committed_usd, ahead * hours)


@dataclass(slots=True)
class Usage:
    """Everything that ran, as the sources found it, ready to be priced."""

    jobs: list[TrainingJob] = field(default_factory=list)
    lifetimes: list[Lifetime] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    charges: Charges | None = None
    unread: list[str] = field(default_factory=list)


def account(usage: Usage, *, region: str, now: datetime, price: PriceOf = hourly) -> Spend:
    """Price the usage of the month that `now` lies in, and add AWS's estimate of everything else."""
    own = _measured(usage, region, now, price)
    if usage.charges is None:
        return own
    requests_then = _requests_usd(usage, usage.charges.time)
    machines_then = _measured(usage, region, usage.charges.time, price).total_usd - requests_then
    usd = usage.charges.elsewhere_usd(machines_then, requests_then)
    how = (
        f"AWS's estimate of {usage.charges.time:%d %b %H:%M} UTC, ${usage.charges.total_usd:.2f},"
        " less what is listed here"
    )
    rest = Line(name="everything else", kind="account", usd=usd, how=lambda: how)
    return replace(own, lines=(*own.lines, rest)) if usd > 0 else own


def _measured(usage: Usage, region: str, now: datetime, price: PriceOf) -> Spend:
    month = month_start(now)
    lines: list[Line] = []
    unpriced: list[str] = []
    estimated: list[str] = []

    def add(name: str, make: Callable[[PriceOf], Line], other: PriceOf, doubts: list[str]) -> None:
        """Add the line at its price, else at the `other`, with the reason among the doubts."""
        for price_of in (price, other):
            try:
                lines.append(make(price_of))
                return
            except UnknownPrice as error:
                if price_of is not _estimated:  # whose reason was given already, with its remedy
                    doubts.append(f"{name}: {error}")

    for job in usage.jobs:
        add(job.name, partial(_training, job, region, month, now), _dearest, unpriced)
    if paid := _requests_usd(usage, now):
        how = "counted by the sender, request by request, at the prices of its table"
        lines.append(Line(name="requests", kind="requests", usd=paid, how=lambda: how))
    for life in usage.lifetimes:
        own = life.component == "hosting"
        doubts = unpriced if own or not _read_from_aws(life, region) else estimated
        add(life.name, partial(_life, life, region, month, now), _dearest if own else _estimated, doubts)
    burns = {line.name: line.usd_per_hour for line in lines if line.kind == "training"}
    return Spend(
        month=month,
        now=now,
        lines=tuple(line for line in lines if line.usd > 0 or line.running),
        committed_usd=sum(job.seconds_ahead(now) / 3600 * burns.get(job.name, 0.0) for job in usage.jobs),
        unpriced=tuple(dict.fromkeys(unpriced)),
        unread=tuple(usage.unread),
        jobs=tuple(job.name for job in usage.jobs),
        endpoints=tuple(usage.endpoints),
        estimated=tuple(dict.fromkeys(estimated)),
    )


def _requests_usd(usage: Usage, now: datetime) -> float:
    """Dollars of paid requests of the month that were sent by `now`."""
    return sum(each.usd for each in usage.paid if month_start(now) <= each.time <= now)


def _read_from_aws(life: Lifetime, region: str) -> bool:
    """Whether the prices that stand in for those of others' machines were read from AWS."""
    try:
        found = [_estimated(fleet.instance_type, region, life.component) for fleet in life.fleets]
    except UnknownPrice:
        return False
    return bool(found) and all(price.source == READ_FROM_AWS for price in found)


def _estimated(instance_type: str, region: str, component: Component) -> Price:
    """The price of the same type for another use, for other people's machines without a price."""
    for other in OTHER_USES:
        try:
            return hourly(instance_type, region, other)
        except UnknownPrice:
            continue
    raise UnknownPrice(f"No price is known for {instance_type} in {region} at all.")


def _dearest(instance_type: str, region: str, component: Component) -> Price:
    """The highest known price, for a type without one: the guard then acts too early, not too late."""
    return dearest(component)


def _training(job: TrainingJob, region: str, month: datetime, now: datetime, price: PriceOf) -> Line:
    rate = job.usd_per_hour(region, price)
    hours = job.hours_in(month, now)

    def how() -> str:
        measure = "billable" if job.billable_seconds is not None else "since its instances came up"
        return f"{duration(hours * 3600)} {measure} on {job.rate_words(region, price)}"

    return Line(
        name=job.name,
        kind="training",
        usd=hours * rate,
        how=how,
        running=job.running,
        usd_per_hour=rate if job.running else 0.0,
    )


def _life(life: Lifetime, region: str, month: datetime, now: datetime, price: PriceOf) -> Line:
    fleets = life.fleets or (Fleet(),)
    unknown = [fleet.instance_type for fleet in fleets if not fleet.instance_type.startswith("ml.")]
    if unknown and price not in (_dearest, _estimated):
        raise UnknownPrice(
            f"it is {unknown[0]}, which has no price here" if unknown[0] else "its instance type is not known"
        )
    prices = [(fleet, price(fleet.instance_type, region, life.component)) for fleet in fleets]
    rate = sum(fleet.instances * each.usd for fleet, each in prices)
    hours = hours_between(life.start, min(life.end or now, now), month)

    def how() -> str:
        said = (f"{fleet.instances} × {each.type} at ${each.usd:g} an hour" for fleet, each in prices)
        since = f"{max(life.start, month):%d %b %H:%M} UTC"
        return f"{duration(hours * 3600)} from {since} on {' and '.join(said)}, by {life.source}"

    running = life.end is None
    return Line(
        name=life.name,
        kind=life.kind,
        usd=hours * rate,
        how=how,
        running=running,
        usd_per_hour=rate if running else 0.0,
    )
