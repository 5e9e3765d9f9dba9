"""Is the money ready: are the prices known, and does a run fit into what is left of the budget?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from core.money import prices
from finexpert.doctor import Finding, bad, good, unknown
from finexpert.service.deployment import Deployment
from finexpert.service.money import costs
from finexpert.text import usd

OLD_DAYS = 365


def price(deployment: Deployment) -> Finding:
    """Is there a price for what will run? Nothing without one is ever started."""
    try:
        found = costs.configured_prices(deployment)
    except prices.UnknownPrice as error:
        return bad(str(error), "")
    return judge_prices(found, datetime.now(UTC))


def judge_prices(found: Sequence[prices.Price], now: datetime) -> Finding:
    """The prices with the day that each was read; one of more than a year is to be read again."""
    said = "; ".join(f"{entry.component} {entry}" for entry in found)
    if any(entry.age_days(now) > OLD_DAYS for entry in found):
        return bad(f"{said}: read more than a year ago", "finexpert prices refresh")
    return good(said)


def budget(deployment: Deployment) -> Finding:
    """Does the longest run that the settings allow fit into the month's budget?"""
    settings = deployment.settings
    spend = costs.month_to_date(deployment, now=datetime.now(UTC))
    if spend.unread:
        return unknown(f"what was spent this month cannot be read: {spend.unread[0]}")
    minutes = settings.max_wait_minutes if settings.spot else settings.max_runtime_minutes
    worst = costs.training_usd_per_hour(deployment) * minutes / 60
    return judge_budget(
        budget_usd=settings.budget_usd,
        reserve_usd=settings.reserve_usd,
        spent_usd=spend.total_usd,
        worst_usd=worst,
        minutes=minutes,
    )


def judge_budget(
    *, budget_usd: float, reserve_usd: float, spent_usd: float, worst_usd: float, minutes: int
) -> Finding:
    """Compare a run's worst case with what is left of the budget."""
    left = budget_usd - reserve_usd - spent_usd
    total = (
        f"{usd(budget_usd)} budget − {usd(spent_usd)} spent − {usd(reserve_usd)} reserve leaves {usd(left)}; "
        f"a run of {minutes} minutes costs at most {usd(worst_usd)}"
    )
    if worst_usd <= left:
        return good(total)
    return bad(
        total,
        "Admission will shorten the run or refuse it. Lower max_runtime_minutes, or raise budget_usd.",
    )
