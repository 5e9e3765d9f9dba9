"""Money: the month against its budget, what ran, and what the reaper decided."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from finexpert.service.endpoint import reaper
from finexpert.service.money import costs
from finexpert.service.runs import names
from finexpert.web.context import Context
from finexpert.web.http import Request, Response, answer

LATELY = timedelta(days=3)
"""How far back decisions are shown."""


def show(request: Request, context: Context) -> Response:
    """The month so far."""
    return answer(context.sums.get("money", lambda: _month(context)))


def _month(context: Context) -> dict[str, Any]:
    deployment, now = context.deployment, context.now()
    spend = costs.month_to_date(deployment, now=now)
    month = costs.document(deployment, spend, now, names.known(deployment))
    note = "Nothing is charged here. Amounts show what the same work would have cost on AWS."
    return {
        **{key: month[key] for key in _SHOWN},
        "month": f"{spend.month:%Y-%m}",
        "spent_usd": spend.total_usd,
        "history": [{"at": at, "spent_usd": usd} for at, usd in costs.history(deployment, now)],
        "unread": [*spend.unread, *spend.unpriced],
        "note": note if deployment.target.is_local else "",
    }


_SHOWN = (
    "lines",
    "budget_usd",
    "limit_usd",
    "burn_usd_per_hour",
    "hours_to_limit",
    "projected_usd",
    "prices",
)


def decisions(request: Request, context: Context) -> Response:
    """The reaper's latest decisions, newest first."""

    def read() -> list[dict[str, Any]]:
        now = context.now()
        return [asdict(each) for each in reaper.decisions(context.deployment, since=now - LATELY, until=now)]

    return answer({"decisions": context.sums.get("decisions", read)})
