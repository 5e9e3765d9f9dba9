"""Where the month stands against its budget, and what follows from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: People are told when this share of the budget is passed.
WARN_AT = (0.5, 0.8)


@dataclass(frozen=True, kw_only=True)
class Position:
    """Dollars of the month and dollars an hour. At `limit_usd` everything is stopped."""

    budget_usd: float
    reserve_usd: float
    spent_usd: float
    burn_usd_per_hour: float

    @property
    def limit_usd(self) -> float:
        """Budget less reserve: the reserve pays for what AWS counts that this sum does not, and for the last
        tick."""
        return self.budget_usd - self.reserve_usd

    @property
    def over(self) -> bool:
        """Whether the limit is reached."""
        return self.spent_usd >= self.limit_usd

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


def crossed(position: Position, spent_before: float) -> list[str]:
    """A sentence for the highest threshold passed since `spent_before` (this month's highest sum so far).

    Each threshold is passed once a month, so each is told once.
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
        f"; ${position.burn_usd_per_hour:.2f}/h runs now, which reaches the limit in {hours:.1f} h"
        if hours
        else ""
    )
    return [
        f"{passed[-1]}: ${position.spent_usd:.2f} of ${position.budget_usd:.2f}"
        f" (limit ${position.limit_usd:.2f}){pace}."
    ]
