"""Decides whether a job may be paid for; the Lambda and `finexpert plan` use the same pure function."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.money.reserve import Exposure
from core.money.training_time import training_seconds

#: A job that may run for less than this would be stopped before it has learnt anything: JumpStart's own job
#: of the same recipe takes 804 billable seconds.
LEAST_USEFUL_SECONDS = 1200
MOST_OPTIONS = 3


class BudgetExceeded(Exception):
    """The job's worst case does not fit into what is left of the budget; the message shows the sum."""


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """The wanted job. Dollars an hour are those of one instance with its volume (`volume_gb`, 0 for none).

    `price` names the instance's price with its day, `others`: dollars an hour of types that the
    recipe also runs on.
    """

    instance_type: str
    instances: int
    usd_per_instance_hour: float
    volume_gb: float = 0.0
    max_runtime_seconds: int
    max_wait_seconds: int
    spot: bool
    training_tokens: float
    price: str = ""
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Dollars an hour of all instances with their volumes."""
        return self.usd_per_instance_hour * self.instances

    @property
    def limit_seconds(self) -> int:
        """The longest that it can last: MaxRuntime, for spot MaxWait, though waiting is not billed."""
        runtime, wait = self.max_runtime_seconds, self.max_wait_seconds
        return max(wait, runtime) if self.spot else runtime

    @property
    def worst_usd(self) -> float:
        """Price × MaxRuntime (spot: MaxWait) × instances, with the volumes."""
        return self.rate * self.limit_seconds / 3600


@dataclass(frozen=True, kw_only=True)
class Money:
    """The month: budget, least reserve, what was spent, what running jobs and reservations can still cost.

    `beside_usd_per_hour`: what else bills now and has no fixed end, such as an endpoint: it takes its
    share while the job runs. `bound_usd_per_hour`: dollars an hour of the jobs behind `committed_usd`.
    """

    budget_usd: float
    reserve_usd: float
    spent_usd: float
    committed_usd: float = 0.0
    beside_usd_per_hour: float = 0.0
    bound_usd_per_hour: float = 0.0
    exposure: Exposure = field(default_factory=lambda: Exposure(period_minutes=5.0))

    @property
    def remaining_usd(self) -> float:
        """Budget that is neither spent nor bound by running jobs; the reserve is still in it."""
        return self.budget_usd - self.spent_usd - self.committed_usd

    def reserve_with(self, rate: float) -> float:
        """The dollars to keep unspent when the job costs `rate` dollars an hour besides all that runs."""
        burn = rate + self.beside_usd_per_hour + self.bound_usd_per_hour
        return self.exposure.reserve_usd(self.reserve_usd, burn)

    def available_usd(self, rate: float) -> float:
        """The most that the job may cost, together with what bills beside it while it runs."""
        return self.remaining_usd - self.reserve_with(rate)

    def affordable_seconds(self, rate: float) -> int:
        """The seconds that a job of `rate` dollars an hour may run."""
        return max(0, math.floor(self.available_usd(rate) / (rate + self.beside_usd_per_hour) * 3600))


@dataclass(frozen=True, kw_only=True)
class Admission:
    """A job that may run, and within which limits."""

    max_runtime_seconds: int
    max_wait_seconds: int
    worst_case_usd: float
    expected_usd: float
    spent_usd: float
    remaining_usd: float
    usd_per_hour: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class CheaperWay:
    """A cheaper way to run the same job, with the whole of its time limit."""

    what: str
    usd_per_hour: float
    worst_case_usd: float
    fits: bool


def decide(request: JobRequest, money: Money) -> Admission:
    """Admit the job, with a shorter limit if that makes it fit, or raise BudgetExceeded.

    Worst case = dollars an hour × MaxRuntime (for spot MaxWait) × instances, volumes included. The limit is
    cut to what is available, but never below what is useful.
    """
    rate, limit = request.rate, request.limit_seconds
    affordable = money.affordable_seconds(rate)
    if min(affordable, limit) < min(LEAST_USEFUL_SECONDS, limit):
        raise BudgetExceeded(_refusal(request, money))
    granted = min(limit, affordable)
    runtime = min(request.max_runtime_seconds, granted)
    wait = max(runtime, granted) if request.spot else runtime
    worst = rate * granted / 3600
    expected = min(worst, expected_usd(request))
    return Admission(
        max_runtime_seconds=runtime,
        max_wait_seconds=wait,
        worst_case_usd=round(worst, 4),
        expected_usd=round(expected, 4),
        spent_usd=round(money.spent_usd, 4),
        remaining_usd=round(money.remaining_usd, 4),
        usd_per_hour=round(rate, 4),
        sentence=_granted_sentence(request, money, granted, worst, expected),
    )


def expected_usd(request: JobRequest) -> float:
    """The probable cost of the job, evaluation apart, at the recipe's speed on its own instance type."""
    return request.rate * training_seconds(request.training_tokens, 0, request.instances) / 3600


def options(request: JobRequest, money: Money) -> list[CheaperWay]:
    """Cheaper ways to run the job at its full time limit, cheapest first: other types, fewer instances.

    Another type may be slower: the worst case is its price, not its speed.
    """
    found = []
    if request.instances > 1:
        found.append(
            _option(f"1 × {request.instance_type}", request.rate / request.instances, request, money)
        )
    for name, usd in request.others.items():
        rate = usd * request.instances
        if rate < request.rate:
            found.append(_option(f"{request.instances} × {name}", rate, request, money))
    return sorted(found, key=lambda option: option.worst_case_usd)


def _option(what: str, rate: float, request: JobRequest, money: Money) -> CheaperWay:
    return CheaperWay(
        what=what,
        usd_per_hour=rate,
        worst_case_usd=rate * request.limit_seconds / 3600,
        fits=money.affordable_seconds(rate) >= request.limit_seconds,
    )


def _sum(request: JobRequest, money: Money) -> str:
    bound = f" − ${money.committed_usd:.2f} for running and reserved jobs" if money.committed_usd else ""
    reserve = money.reserve_with(request.rate)
    grown = (
        f" ({money.exposure.hours * 60:.0f} min of all that would run: more than reserve_usd)"
        if reserve > money.reserve_usd
        else ""
    )
    return (
        f"${money.budget_usd:.2f} budget − ${money.spent_usd:.2f} spent{bound}"
        f" − ${reserve:.2f} reserve{grown} = ${money.available_usd(request.rate):.2f}"
    )


def _rate(request: JobRequest) -> str:
    volume = f" + {request.volume_gb:g} GB volume" if request.volume_gb else ""
    return f"${request.rate:.3f}/h ({request.instances} × {request.price or request.instance_type}{volume})"


def _beside(money: Money) -> str:
    if not money.beside_usd_per_hour:
        return ""
    return f" What else runs uses up ${money.beside_usd_per_hour:.3f}/h of the budget at the same time."


def _refusal(request: JobRequest, money: Money) -> str:
    least = min(LEAST_USEFUL_SECONDS, request.limit_seconds)
    cheaper = [f"{option.what} (${option.usd_per_hour:.3f}/h)" for option in options(request, money)]
    choose = f" Cheaper: {', '.join(cheaper[:MOST_OPTIONS])}." if cheaper else ""
    return (
        f"The budget does not allow this job. Available: {_sum(request, money)}. Needed for the shortest"
        f" useful run: {least / 60:.0f} min × {_rate(request)} = ${request.rate * least / 3600:.2f}."
        f"{_beside(money)} Raise budget_usd, wait for the next month, or choose a cheaper"
        f" training_instance_type.{choose}"
    )


def _granted_sentence(request: JobRequest, money: Money, granted: int, worst: float, expected: float) -> str:
    sentence = (
        f"Probably ${expected:.2f}, at most ${worst:.2f} ({granted / 3600:.2f} h × {_rate(request)})."
        f" Available: {_sum(request, money)}.{_beside(money)}"
    )
    if granted < request.limit_seconds:
        sentence += f" The time limit was cut to {granted // 60} min so that it cannot cost more than that."
    return sentence
