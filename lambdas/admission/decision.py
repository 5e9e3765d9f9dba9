"""May this job be paid for? One pure function, used by the Lambda and by the command line's plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: A job that may run for less than this would be stopped before it has learnt anything: JumpStart's own job
#: of the same recipe takes 804 billable seconds.
LEAST_USEFUL_SECONDS = 1200
#: Tokens a second of the recipe on one ml.g5.2xlarge, from public logs of JumpStart's job (912); slower than
#: ours.
TOKENS_PER_SECOND = 900.0
#: Seconds around the optimizer steps: download, load, evaluation of base and tuned, upload (same logs, 804 −
#: 50, without the pip install and the merge that this product does not do).
SECONDS_AROUND = 600.0


class BudgetExceeded(Exception):
    """The job's worst case does not fit into what is left of the budget; the message shows the sum."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the job would be. Rates are dollars an hour of one instance with its volume."""

    instance_type: str
    instances: int
    usd_per_instance_hour: float
    max_runtime_seconds: int
    max_wait_seconds: int
    spot: bool
    training_tokens: float


@dataclass(frozen=True, kw_only=True)
class Money:
    """The month: budget, what must stay in reserve, what was spent, what running jobs can still cost."""

    budget_usd: float
    reserve_usd: float
    spent_usd: float
    committed_usd: float = 0.0

    @property
    def remaining_usd(self) -> float:
        """Budget that is neither spent nor bound by running jobs; the reserve is still in it."""
        return self.budget_usd - self.spent_usd - self.committed_usd

    @property
    def available_usd(self) -> float:
        """What a job may cost at worst."""
        return self.remaining_usd - self.reserve_usd


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


def decide(request: Request, money: Money) -> Admission:
    """Admit the job, with a shorter limit if that makes it fit, or raise BudgetExceeded.

    Worst case = dollars an hour × MaxRuntime (for spot MaxWait, though waiting is not billed) × instances.
    The limit is cut to what is available, but never below what is useful.
    """
    rate = request.usd_per_instance_hour * request.instances
    limit = (
        max(request.max_wait_seconds, request.max_runtime_seconds)
        if request.spot
        else request.max_runtime_seconds
    )
    affordable = max(0, math.floor(money.available_usd / rate * 3600))
    if min(affordable, limit) < min(LEAST_USEFUL_SECONDS, limit):
        raise BudgetExceeded(_refusal(request, money, rate, limit))
    granted = min(limit, affordable)
    runtime = min(request.max_runtime_seconds, granted)
    worst = rate * granted / 3600
    admission = Admission(
        max_runtime_seconds=runtime,
        max_wait_seconds=max(runtime, granted) if request.spot else runtime,
        worst_case_usd=round(worst, 4),
        expected_usd=round(min(worst, expected_usd(request, rate)), 4),
        spent_usd=round(money.spent_usd, 4),
        remaining_usd=round(money.remaining_usd, 4),
        usd_per_hour=round(rate, 4),
        sentence="",
    )
    return _told(admission, request, money, cut=granted < limit)


def expected_usd(request: Request, rate: float) -> float:
    """What the job will probably cost, from the recipe's speed on its own instance type."""
    seconds = SECONDS_AROUND + request.training_tokens / (TOKENS_PER_SECOND * request.instances)
    return rate * seconds / 3600


def _sum(money: Money) -> str:
    bound = f" − ${money.committed_usd:.2f} for running jobs" if money.committed_usd else ""
    return (
        f"${money.budget_usd:.2f} budget − ${money.spent_usd:.2f} spent{bound}"
        f" − ${money.reserve_usd:.2f} reserve = ${money.available_usd:.2f}"
    )


def _refusal(request: Request, money: Money, rate: float, limit: int) -> str:
    least = min(LEAST_USEFUL_SECONDS, limit)
    return (
        f"The budget does not allow this job. Available: {_sum(money)}. Needed for the shortest useful run:"
        f" {least / 60:.0f} min × ${rate:.3f}/h ({request.instances} × {request.instance_type}) ="
        f" ${rate * least / 3600:.2f}. Raise budget_usd, wait for the next month, or choose a cheaper"
        " training_instance_type."
    )


def _told(admission: Admission, request: Request, money: Money, *, cut: bool) -> Admission:
    hours = (admission.max_wait_seconds if request.spot else admission.max_runtime_seconds) / 3600
    sentence = (
        f"At worst ${admission.worst_case_usd:.2f} ({hours:.2f} h × ${admission.usd_per_hour:.3f}/h),"
        f" probably about ${admission.expected_usd:.2f}. Available: {_sum(money)}."
    )
    if cut:
        sentence += f" The time limit was cut to {hours * 60:.0f} min so that it cannot cost more than that."
    return Admission(**{**admission.__dict__, "sentence": sentence})
