"""Is the money ready: are the prices known, and does a run fit into what is left of the budget?"""

from collections.abc import Sequence
from datetime import UTC, datetime

from core.admission import planning
from core.admission.decision import JobRequest, Money
from core.money import prices
from finexpert.doctor import Finding, bad, good, unknown
from finexpert.service.deployment import Deployment
from finexpert.service.money import costs, plan
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
    spend = costs.month_to_date(deployment, now=datetime.now(UTC))
    try:
        money = planning.money(deployment.settings.budget, spend, [])
    except planning.SpendUnknown as error:
        return unknown(str(error))
    return judge_budget(plan.job_request(deployment, training_tokens=0), money)


def judge_budget(request: JobRequest, money: Money) -> Finding:
    """Compare a run's worst case with what admission would give it."""
    reserve = money.reserve_with(request.rate)
    total = (
        f"{usd(money.budget_usd)} budget − {usd(money.spent_usd + money.committed_usd)} spent or bound"
        f" − {usd(reserve)} reserve leaves {usd(money.available_usd(request.rate))}; a run of"
        f" {request.limit_seconds // 60} minutes costs at most {usd(request.worst_usd)}"
    )
    if money.affordable_seconds(request.rate) >= request.limit_seconds:
        return good(total)
    return bad(
        total,
        "Admission will shorten the run or refuse it. Lower max_runtime_minutes, or raise budget_usd.",
    )
