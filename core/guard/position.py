"""Compares the month's spending with its budget. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from core.money.prices import per_hour
from core.money.reserve import Exposure, limit_usd
from core.money.settings import BudgetSettings
from core.money.spend import Spend
from core.money.time import HOUR

#: A message is sent when this share of the budget is passed.
WARN_AT = (0.5, 0.8)


@dataclass(frozen=True, kw_only=True)
class GuardMemory:
    """The guard's metrics from earlier runs of this month. `readable` is False where they could not be read.

    `spent_usd` is the month's highest sum; `burn_usd_per_hour` and `time` are those of the newest run;
    `doubted`: doubts were reported in the last day; `latched`: the deny was set this month.
    """

    spent_usd: float = 0.0
    burn_usd_per_hour: float = 0.0
    time: datetime | None = None
    doubted: bool = False
    latched: bool = False
    readable: bool = True


@dataclass(frozen=True, kw_only=True)
class Position:
    """Dollars of the month and dollars an hour. At `limit_usd` everything is stopped.

    `blind` says why it is not known what was spent: no prices, or neither AWS nor the memory is readable.
    """

    budget_usd: float
    reserve_usd: float
    spent_usd: float
    burn_usd_per_hour: float
    projected_usd: float = 0.0
    exposure: Exposure = field(default_factory=lambda: Exposure(period_minutes=5.0))
    blind: str = ""

    @property
    def limit_usd(self) -> float:
        """Budget less the reserve, which grows with what runs (`core.money.reserve`)."""
        return limit_usd(self.budget_usd, self.reserve_usd, self.exposure, self.burn_usd_per_hour)

    @property
    def over(self) -> bool:
        """Whether everything has to stop: the limit is reached, or it is not known how near it is."""
        return bool(self.blind) or self.spent_usd >= self.limit_usd

    @property
    def used_percent(self) -> float:
        """Share of the budget that is spent; 100 for a budget of nothing."""
        return 100.0 * self.spent_usd / self.budget_usd if self.budget_usd else 100.0

    @property
    def hours_to_limit(self) -> float | None:
        """Hours until the limit if everything goes on as now; None if nothing runs."""
        if self.burn_usd_per_hour <= 0:
            return None
        return max(0.0, self.limit_usd - self.spent_usd) / self.burn_usd_per_hour


def stand(
    spend: Spend, memory: GuardMemory, budget: BudgetSettings, now: datetime, *, price_problem: str = ""
) -> Position:
    """The position from what was read now and what is remembered.

    A sum that misses something is no smaller than the last one, with its burn gone on since: what cannot be
    read counts as still running. `price_problem`: why there are no prices at all, if so.
    """
    spent, burn = spend.total_usd, spend.burn_usd_per_hour
    blind = price_problem
    if spend.unread:
        since = max(0.0, (now - memory.time) / HOUR) if memory.time else 0.0
        spent = max(spent, memory.spent_usd + memory.burn_usd_per_hour * since)
        burn = max(burn, memory.burn_usd_per_hour)
        if not memory.readable:
            blind = "neither the month's sum nor its last value can be read"
    return Position(
        budget_usd=budget.budget_usd,
        reserve_usd=budget.reserve_usd,
        spent_usd=spent,
        burn_usd_per_hour=burn,
        projected_usd=max(spent, spend.projected_usd),
        exposure=budget.exposure,
        blind=blind,
    )


def crossed(position: Position, spent_before: float) -> list[str]:
    """A sentence for the highest threshold passed since `spent_before` (this month's highest sum so far).

    Each threshold is passed once a month, so each is reported once.
    """
    marks = [
        (share * position.budget_usd, f"{share:.0%} of the month's budget is spent") for share in WARN_AT
    ]
    marks.append((position.limit_usd, "The month's limit (budget less reserve) is reached"))
    passed = [text for mark, text in sorted(marks) if spent_before < mark <= position.spent_usd]
    if not passed:
        return []
    hours = position.hours_to_limit
    pace = (
        f"; {per_hour(position.burn_usd_per_hour)} runs now, which reaches the limit in {hours:.1f} h"
        if hours
        else ""
    )
    return [
        f"{passed[-1]}: ${position.spent_usd:.2f} of ${position.budget_usd:.2f}"
        f" (limit ${position.limit_usd:.2f}){pace}."
    ]
