"""Random schedules of jobs and endpoints against the functions that guard the budget (README.md here)."""

import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from core.admission import planning
from core.admission.decision import BudgetExceeded, decide
from core.admission.planning import JobSettings, SpendUnknown
from core.guard.position import GuardMemory, Position, stand
from core.money import trail as spend_trail
from core.money.charges import Charges
from core.money.endpoints import live_endpoint
from core.money.prices import hourly, training_usd_per_hour
from core.money.reserve import SILENT_PERIODS, SKEW_MINUTES, STOP_MINUTES, UNSEEN_MINUTES, Exposure
from core.money.settings import BudgetSettings
from core.money.spend import Fleet, Lifetime, Spend, Usage, account
from core.money.time import HOUR, month_start
from core.money.trail import EndpointCall
from core.money.training_job import TrainingJob
from core.names import PROJECT_TAG

REGION, PROJECT = "us-east-1", "FinExpert"
MINUTE = timedelta(minutes=1)
VOLUME_GB = 100.0
#: SageMaker's end at MaxRuntime: SIGTERM and two minutes, then the upload.
OVERRUN_MINUTES = 4.0
LONGEST_MINUTES = 300.0
SHAPES = ("configuration deleted", "pool", "pool that is not described", "provisioned serverless")


@dataclass(slots=True)
class Thing:
    """A job or an endpoint as it really is; it bills from `start` to `end` (None: it still does)."""

    name: str
    kind: str  # "job", "hosting" or "by-hand"
    type: str
    start: datetime
    end: datetime | None = None
    max_runtime: float = 0.0
    billable_share: float = 1.0
    stopping: bool = False
    shape: str = ""  # one of `SHAPES`: why its configuration does not say what bills

    @property
    def usd_per_hour(self) -> float:
        if self.kind == "job":
            return training_usd_per_hour(self.type, VOLUME_GB, REGION)
        return hourly(self.type, REGION, "hosting").usd

    def cost(self, now: datetime, month: datetime) -> float:
        """What AWS will have billed for it in the month, up to `now`."""
        end = min(self.end or now, now)
        hours = max(0.0, (end - max(self.start, month)) / HOUR)
        return hours * self.usd_per_hour * self.billable_share


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a run of the simulation draws from. Times in minutes; `shapes`: of all endpoints made by hand."""

    seed: int
    types: Sequence[str] = ("ml.g5.2xlarge",)
    at_once: int = 2
    highest_usd_per_hour: float | None = None
    budget_usd: float = 25.0
    reserve_usd: float = 2.0
    period: float = 5.0
    hours: float = 5.0
    starts_an_hour: float = 3.0
    shapes: Sequence[str] = ()


@dataclass(slots=True)
class Outcome:
    """`overshoot_usd`: the most that a month cost beyond the budget. `highest_usd_per_hour`: burn at its
    peak. `stopped`: whether the guard acted; `early_usd`: how far the sum it acted on was above the real one.
    """

    overshoot_usd: float = float("-inf")
    highest_usd_per_hour: float = 0.0
    stopped: bool = False
    early_usd: float = 0.0
    admitted: int = 0
    refused: int = 0


@dataclass
class World:
    """The simulated AWS of one schedule, and the guard that looks at it."""

    schedule: Schedule
    draw: random.Random
    budget: BudgetSettings
    begin: datetime
    things: list[Thing] = field(default_factory=list)
    memory: GuardMemory = field(default_factory=GuardMemory)
    others_usd: float = 0.0
    outcome: Outcome = field(default_factory=Outcome)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    delays: dict[tuple[str, str], timedelta] = field(default_factory=dict)

    def alive(self, now: datetime) -> list[Thing]:
        return [t for t in self.things if t.start <= now and (t.end is None or t.end > now)]

    def real_usd(self, now: datetime) -> float:
        month = month_start(now)
        others = self.others_usd if month == month_start(self.begin) else 0.0
        return others + sum(thing.cost(now, month) for thing in self.things)

    def burn(self, now: datetime) -> float:
        return sum(thing.usd_per_hour for thing in self.alive(now))

    def up_to(self, minutes: float) -> timedelta:
        """Any time up to this many minutes, and often the longest."""
        return self.draw.choice((self.draw.random(), 1.0)) * minutes * MINUTE

    # --- what happens without a call

    def start(self, now: datetime) -> None:
        """Somebody starts something, if that may be: a job only if it is admitted."""
        kind = self.draw.choice(("job", "hosting", "by-hand"))
        type_ = self.draw.choice(self.schedule.types)
        name = f"{kind}-{next(self.numbers)}"
        thing = Thing(name=name, kind=kind, type=type_, start=now)
        if kind == "by-hand" and self.schedule.shapes:
            thing.shape = self.draw.choice(self.schedule.shapes)
        running = self.alive(now)
        if self.outcome.stopped or len(running) >= self.schedule.at_once:
            return
        ceiling = self.schedule.highest_usd_per_hour
        if ceiling is not None and self.burn(now) + thing.usd_per_hour > ceiling:
            return
        minutes = self.draw.choice((3.0, 30.0, 90.0, LONGEST_MINUTES)) * self.draw.uniform(0.3, 1.0)
        if kind == "job":
            granted = self.admit(type_, now)
            if granted is None:
                return
            thing.max_runtime = granted
            thing.billable_share = self.draw.choice((1.0, 1.0, 0.4))
            minutes = min(minutes, granted / 60 + self.draw.uniform(0, OVERRUN_MINUTES))
        thing.end = now + minutes * MINUTE
        self.things.append(thing)
        self.outcome.highest_usd_per_hour = max(self.outcome.highest_usd_per_hour, self.burn(now))

    def admit(self, type_: str, now: datetime) -> float | None:
        job = JobSettings(
            region=REGION,
            instance_type=type_,
            instances=1,
            volume_gb=VOLUME_GB,
            max_runtime_seconds=self.draw.choice((1200, 3600, 7200)),
            max_wait_seconds=14400,
        )
        request = planning.request(job, spot=False, training_tokens=1e5)
        try:
            admission = decide(request, planning.money(self.budget, self.look(now, now), []))
        except (BudgetExceeded, SpendUnknown):
            self.outcome.refused += 1
            return None
        self.outcome.admitted += 1
        return admission.max_runtime_seconds

    # --- what a look can see

    def look(self, now: datetime, clock: datetime, *, unread: tuple[str, ...] = ()) -> Spend:
        """The month as the real functions make it from what AWS shows at `now`, to a clock that is off."""
        usage = Usage(unread=list(unread))
        if "training jobs" not in unread:
            usage.jobs = [self.job(thing, now) for thing in self.things if thing.kind == "job"]
        alive = {thing.name for thing in self.alive(now)}
        for thing in self.things:
            if thing.kind == "hosting" or (thing.kind == "by-hand" and thing.name in alive):
                end = thing.end if thing.name not in alive else None
                life = self.life(thing.name, thing.type, thing.start, end)
                usage.lifetimes.append(replace(life, fleets=fleets_of(thing)) if thing.shape else life)
        if "endpoints" not in unread:
            by_hand = [thing for thing in self.things if thing.kind == "by-hand"]
            calls = [call for thing in by_hand for call in self.calls(thing, now)]
            for type_, gone in spend_trail.gone(calls, project=PROJECT, alive=alive, without=(), now=clock):
                usage.lifetimes.append(self.life(gone.name, type_, gone.start, gone.end))
        if self.others_usd and month_start(clock) == month_start(self.begin):
            # AWS's estimate is of the begin: it holds the project's own dollars of that time as well.
            own = sum(thing.cost(self.begin, month_start(self.begin)) for thing in self.things)
            usage.charges = Charges(time=self.begin, total_usd=self.others_usd + own, sagemaker_usd=own)
        return account(usage, region=REGION, now=clock)

    def job(self, thing: Thing, now: datetime) -> TrainingJob:
        end = thing.end if thing.end is not None and thing.end <= now else None
        billable = (end - thing.start).total_seconds() * thing.billable_share if end else None
        return TrainingJob(
            name=thing.name,
            status="Completed" if end else "InProgress",
            instance_type=thing.type,
            instances=1,
            volume_gb=VOLUME_GB,
            start=thing.start,
            end=end,
            billable_seconds=billable,
            max_runtime_seconds=thing.max_runtime,
        )

    def life(self, name: str, type_: str, start: datetime, end: datetime | None) -> Lifetime:
        fleets = (Fleet(instance_type=type_, instances=1),)
        return Lifetime(name=name, start=start, end=end, fleets=fleets, source="simulation")

    def calls(self, thing: Thing, now: datetime) -> list[EndpointCall]:
        """The calls that CloudTrail shows by now; a configuration is named like its instance type."""
        tags = {PROJECT_TAG: PROJECT}
        made = EndpointCall(
            time=thing.start,
            action=spend_trail.MAKE,
            endpoint=thing.name,
            config="" if thing.shape else thing.type,
            tags=tags,
        )
        shown = [made] if thing.start + self.delay(thing.name, "make") <= now else []
        # Deletion is asked for before the last instance is gone; the record has the time of the call.
        asked = None if thing.end is None else max(thing.start, thing.end - spend_trail.REMOVAL / 2)
        if asked and thing.end and thing.end <= now and asked + self.delay(thing.name, "delete") <= now:
            shown.append(EndpointCall(time=asked, action=spend_trail.DELETE, endpoint=thing.name))
        return shown

    def delay(self, name: str, what: str) -> timedelta:
        return self.delays.setdefault((name, what), self.up_to(UNSEEN_MINUTES))

    # --- the guard

    def tick(self, now: datetime, *, unread: tuple[str, ...]) -> Position:
        """One run of the guard: look, decide, stop; then its metrics are what it remembers."""
        clock = now + self.draw.uniform(-SKEW_MINUTES, SKEW_MINUTES) * MINUTE
        if self.memory.time and month_start(self.memory.time) != month_start(clock):
            self.memory = GuardMemory()
        spend = self.look(now, clock, unread=unread)
        position = stand(spend, self.memory, self.budget, clock)
        self.memory = replace(
            self.memory,
            spent_usd=max(self.memory.spent_usd, position.spent_usd),
            burn_usd_per_hour=position.burn_usd_per_hour,
            time=clock,
        )
        if position.over:
            if not self.outcome.stopped:
                self.outcome.stopped = True
                if month_start(clock) == month_start(now):
                    self.outcome.early_usd = position.spent_usd - self.real_usd(now)
            for thing in self.alive(now):
                if not thing.stopping:
                    thing.stopping = True
                    stop = now + self.up_to(STOP_MINUTES)
                    thing.end = min(thing.end, stop) if thing.end else stop
        return position


def fleets_of(thing: Thing) -> tuple[Fleet, ...]:
    """What the product reads of an endpoint of this shape, from answers in AWS's form."""
    running: dict[str, Any] = {"VariantName": "v", "CurrentInstanceCount": 1}
    configured: dict[str, Any] = {"VariantName": "v"}
    if thing.shape == "pool":
        running["InstancePools"] = [{"InstanceType": thing.type, "CurrentInstanceCount": 1}]
    if thing.shape == "provisioned serverless":
        configured["ServerlessConfig"] = {"MemorySizeInMB": 6144, "ProvisionedConcurrency": 5}
        running = {"VariantName": "v", "CurrentServerlessConfig": configured["ServerlessConfig"]}

    class SageMaker:
        def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
            return {"EndpointConfigName": "c", "EndpointStatus": "InService", "ProductionVariants": [running]}

        def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
            if thing.shape == "configuration deleted":
                missing = {"Code": "ValidationException", "Message": "Could not find endpoint configuration"}
                raise ClientError({"Error": missing}, "DescribeEndpointConfig")
            return {"ProductionVariants": [configured]}

    summary = {"EndpointName": thing.name, "CreationTime": thing.start}
    life = live_endpoint(SageMaker(), summary, Usage())
    assert life is not None, thing.shape
    return life.fleets


def looks(schedule: Schedule, draw: random.Random) -> list[tuple[float, tuple[str, ...]]]:
    """(minute, what cannot be read) of every look: late, twice, lost, blind; one that reads all is never more
    than three periods after the one before."""
    found: list[tuple[float, tuple[str, ...]]] = []
    whole = minute = 0.0
    lost = draw.choice((0.0, 0.3, 0.9))
    while minute < schedule.hours * 60 + LONGEST_MINUTES + 60:
        minute += schedule.period
        late = draw.choice((0.0, 0.0, draw.uniform(0, schedule.period)))
        time = minute + late
        must = time + 2 * schedule.period > whole + SILENT_PERIODS * schedule.period
        if not must and draw.random() < lost:
            continue
        time = min(time, whole + SILENT_PERIODS * schedule.period)
        blind = () if must or draw.random() < 0.8 else (draw.choice(("training jobs", "endpoints")),)
        found += [(time, blind)] * draw.choice((1, 1, 1, 2))
        if not blind:
            whole = time
    return found


def play(schedule: Schedule) -> Outcome:
    """Run one schedule to its end, when everything is stopped or over."""
    draw = random.Random(schedule.seed)
    # A third of the schedules run into a new month.
    before_the_turn = 30 - draw.uniform(0, schedule.hours / 24)
    days = draw.choice((draw.uniform(13, 25), draw.uniform(13, 25), before_the_turn))
    begin = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=days)
    budget = BudgetSettings(
        project=PROJECT,
        hosting_stack="",
        budget_usd=schedule.budget_usd,
        reserve_usd=schedule.reserve_usd,
        exposure=Exposure(period_minutes=schedule.period),
    )
    world = World(schedule, draw, budget, begin)
    world.others_usd = draw.choice((0.0, draw.uniform(0, 1.0)))
    spent = draw.uniform(0.6, 0.95) * (schedule.budget_usd - schedule.reserve_usd) - world.others_usd
    rate = Thing(name="", kind="job", type=schedule.types[0], start=begin).usd_per_hour
    first = begin - timedelta(days=10)
    world.things.append(
        Thing(
            name="earlier",
            kind="job",
            type=schedule.types[0],
            start=first,
            end=first + timedelta(hours=max(0.0, spent) / rate),
        )
    )
    queue: list[tuple[datetime, int, Callable[[datetime], object]]] = []
    order = itertools.count()
    for minute, blind in looks(schedule, draw):
        look = _looking(world, blind)
        heapq.heappush(queue, (begin + minute * MINUTE, next(order), look))
    minute = 0.0
    while minute < schedule.hours * 60:
        minute += draw.expovariate(schedule.starts_an_hour / 60)
        heapq.heappush(queue, (begin + minute * MINUTE, next(order), world.start))
    while queue and not world.outcome.stopped:  # then all has its end, and nothing more starts
        now, _, happen = heapq.heappop(queue)
        happen(now)
    for now in (_month_turn(begin) - MINUTE / 60, begin + timedelta(hours=schedule.hours + 24)):
        if now >= begin:
            over = world.real_usd(now) - schedule.budget_usd
            world.outcome.overshoot_usd = max(world.outcome.overshoot_usd, over)
    return world.outcome


def _looking(world: World, blind: tuple[str, ...]) -> Callable[[datetime], object]:
    return lambda now: world.tick(now, unread=blind)


def _month_turn(moment: datetime) -> datetime:
    return month_start(month_start(moment) + timedelta(days=32))
