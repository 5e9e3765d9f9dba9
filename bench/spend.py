"""AWS Budgets alone beside the spend guard: `python -m bench.spend`.

An ml.g5.2xlarge endpoint is forgotten in a month with a budget of $25, some of which is spent. The same 1,000
months are played twice, by the simulation that the property test uses (tests/conformance/spend):

Budgets alone: its figures are new every 8 to 12 hours, and show what ran up to some hours before. People stop
the endpoint in the very minute in which it shows the whole budget as spent, which is kind to it.
Spend guard: the functions that decide in the Lambda, with looks that come late, twice, blind or not at all,
and up to 8 minutes until what is stopped bills no more.

Nothing here was measured on AWS. The result goes to bench/results/spend.json.
"""

import random
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bench import common
from core.money.reserve import Exposure
from core.money.settings import BudgetSettings
from tests.conformance.spend.simulation import MINUTE, PROJECT, Schedule, Thing, World, looks

BUDGET_USD, RESERVE_USD = 25.0, 2.0
INSTANCE = "ml.g5.2xlarge"
UPDATE_HOURS = (8.0, 12.0)
"""AWS: a budget's information is updated typically 8 to 12 hours after the update before."""

BEHIND_HOURS = (0.0, 4.0, 8.0)
"""Assumed: how far behind a budget's figures are when they come; AWS promises less than a day."""

GUARD_MINUTES = (5.0, 15.0)
WATCHED = timedelta(days=4)


def month(seed: int, period: float = GUARD_MINUTES[0]) -> tuple[World, Thing, random.Random]:
    """The month of a seed, its forgotten endpoint, and what further draws come from.

    A job earlier in the month has spent up to 60 % of the budget.
    """
    draw = random.Random(seed)
    begin = datetime(2026, 11, 10, tzinfo=UTC) + draw.uniform(0, 10 * 24 * 60) * MINUTE
    budget = BudgetSettings(
        project=PROJECT,
        hosting_stack="",
        budget_usd=BUDGET_USD,
        reserve_usd=RESERVE_USD,
        exposure=Exposure(period_minutes=period),
    )
    forgotten = Thing(name="forgotten", kind="hosting", type=INSTANCE, start=begin)
    job = Thing(name="earlier", kind="job", type=INSTANCE, start=begin - timedelta(days=3))
    job.end = job.start + timedelta(hours=draw.uniform(0, 0.6) * BUDGET_USD / job.usd_per_hour)
    schedule = Schedule(seed=seed, budget_usd=BUDGET_USD, reserve_usd=RESERVE_USD, period=period, hours=24.0)
    return World(schedule, draw, budget, begin, things=[job, forgotten]), forgotten, draw


def budgets_alone(seed: int, behind_hours: float) -> float:
    """Dollars past the budget when only AWS Budgets warns."""
    world, forgotten, draw = month(seed)
    now = world.begin + draw.uniform(0, UPDATE_HOURS[1]) * 60 * MINUTE
    while world.real_usd(now - timedelta(hours=behind_hours)) < BUDGET_USD:
        now += draw.uniform(*UPDATE_HOURS) * 60 * MINUTE
    forgotten.end = now
    return world.real_usd(world.begin + WATCHED) - BUDGET_USD


def guarded(seed: int, period: float) -> float:
    """Dollars past the budget (below zero: left of it) when the spend guard looks every `period` minutes."""
    world, forgotten, draw = month(seed, period)
    for minute, unread in looks(world.schedule, draw):
        world.tick(world.begin + minute * MINUTE, unread=unread)
        if world.outcome.stopped:
            break
    if forgotten.end is None:
        sys.exit(f"The guard never acted in the month of seed {seed}.")
    return world.real_usd(world.begin + WATCHED) - BUDGET_USD


def summary(months: int, play: Callable[[int], float]) -> dict[str, Any]:
    """Dollars past the budget over all months; `past_budget` counts those that went past it at all."""
    past = sorted(play(seed) for seed in range(months))
    return {
        "least_usd": round(past[0], 2),
        "median_usd": round(statistics.median(past), 2),
        "p95_usd": round(past[int(0.95 * (months - 1))], 2),
        "most_usd": round(past[-1], 2),
        "past_budget": sum(each > 0 for each in past),
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """The result as the Markdown table of bench/README.md."""
    lines = [
        "| dollars past the budget | least | median | 95 % | most | months past it |",
        "|---|" + "---:|" * 5,
    ]
    for name, found in results.items():
        dollars = (
            f"{found[key]:+.2f}".replace("-", "−")
            for key in ("least_usd", "median_usd", "p95_usd", "most_usd")
        )
        lines.append(f"| {name} | {' | '.join(dollars)} | {found['past_budget']} |")
    return "\n".join(lines)


def main() -> None:
    """Play the months with each line of defence, print the table and write the result."""
    parser = common.command_line(__doc__)
    parser.add_argument("--months", type=int, default=1000, help="how many (default %(default)s)")
    months = parser.parse_args().months
    results = {
        f"Budgets alone, figures {hours:g} h old": summary(months, partial(budgets_alone, behind_hours=hours))
        for hours in BEHIND_HOURS
    }
    results |= {
        f"spend guard, every {period:g} min": summary(months, partial(guarded, period=period))
        for period in GUARD_MINUTES
    }
    rate = Thing(name="", kind="hosting", type=INSTANCE, start=datetime.now(UTC)).usd_per_hour
    document = {
        "simulated": datetime.now(UTC).date().isoformat(),
        "months": months,
        "usd_per_hour": rate,
        "budget_usd": BUDGET_USD,
        "reserve_usd": RESERVE_USD,
        "budgets_update_hours": UPDATE_HOURS,
        "results": results,
    }
    common.store("spend", document)
    print(table(results))


if __name__ == "__main__":
    main()
