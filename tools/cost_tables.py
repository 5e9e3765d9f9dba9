"""`python -m tools.cost_tables`: the tables of docs/cost.md, from the functions that admit and expect jobs.

They stand between the marks `<!-- costs:NAME -->` and `<!-- /costs -->`; everything else of the page is
written by hand. tests/unit/docs/test_figures.py compares what is stored with what the functions say.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from core.admission import planning
from core.admission.decision import JobRequest
from core.instances import suits_the_recipe
from core.money import prices
from core.money.training_time import MEASURED_ON, training_seconds
from finexpert.text import duration, usd
from infra.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost.md"
_PART = re.compile(r"(<!-- costs:(\w+) -->\n).*?(<!-- /costs -->)", re.DOTALL)

TRAINED_TOKENS = (50_000, 500_000, 5_000_000)
"""Tokens that the optimizer sees: those of the text, times the epochs."""
EVALUATED_TOKENS = 30_000
"""Held-out text put through the model before and after, the two together."""
AWAKE_HOURS = (1, 8, 24)


def page(text: str) -> str:
    """The page with today's tables in its marked places.

    Raises:
        KeyError: a mark names a table that there is none of.
    """
    return _PART.sub(lambda found: f"{found[1]}{TABLES[found[2]](Settings.load({}, {}))}{found[3]}", text)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    ruler = tuple("---" if number == 0 else "---:" for number, _ in enumerate(head))
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ruler, *rows))


def _job(settings: Settings, instance_type: str, minutes: int, instances: int) -> JobRequest:
    """The job that admission would be asked for."""
    job = planning.JobSettings(
        region=settings.region,
        instance_type=instance_type,
        instances=instances,
        volume_gb=settings.volume_gb,
        max_runtime_seconds=minutes * 60,
        max_wait_seconds=settings.max_wait_minutes * 60,
    )
    return planning.request(job, spot=False, training_tokens=0)


def _training(settings: Settings) -> str:
    rate = _job(settings, settings.training_instance_type, 60, 1).rate
    rows = []
    for tokens in TRAINED_TOKENS:
        seconds = training_seconds(tokens, EVALUATED_TOKENS)
        rows.append((f"{tokens:,}", duration(seconds), usd(seconds / 3600 * rate)))
    return _table((f"tokens trained, 1 × {MEASURED_ON}", "time", "cost"), rows)


def _worst(settings: Settings) -> str:
    """The worst case that admission compares with the rest of the budget, and the rest that it needs."""
    exposure, name = settings.budget.exposure, settings.training_instance_type

    def worst(minutes: int, instances: int) -> str:
        job = _job(settings, name, minutes, instances)
        needed = job.worst_usd + exposure.reserve_usd(settings.reserve_usd, job.rate)
        return f"{usd(job.worst_usd)}, {usd(needed)}"

    rows = ((str(minutes), worst(minutes, 1), worst(minutes, 2)) for minutes in (30, 60, 120, 240))
    return _table(("`max_runtime_minutes`", f"1 × {name}: worst case, needed", f"2 × {name}"), rows)


def _endpoint(settings: Settings) -> str:
    """What hours awake cost, and when the spend guard ends them, in a line."""
    hour = prices.hourly(settings.hosting_instance_type, settings.region, "hosting").usd
    limit = settings.budget.limit_usd(hour)
    awake = ", ".join(f"{hours} h {usd(hours * hour)}" for hours in AWAKE_HOURS)
    return (
        f"Awake on 1 × {settings.hosting_instance_type}: {awake}.\n"
        f"The spend guard stops it at {usd(limit)}, after {limit / hour:.1f} h.\n"
    )


def _buys(settings: Settings) -> str:
    """How often each thing fits into a month with the budget less the reserve as its limit."""
    job = _job(settings, settings.training_instance_type, 60, 1)
    hour = prices.hourly(settings.hosting_instance_type, settings.region, "hosting").usd
    limit = settings.budget.limit_usd(hour)

    def run(tokens: int) -> float:
        return training_seconds(tokens, EVALUATED_TOKENS) / 3600 * job.rate

    things = [(f"a run on {tokens:,} tokens", run(tokens)) for tokens in TRAINED_TOKENS]
    things += [
        ("an hour of the endpoint", hour),
        (f"a run on {TRAINED_TOKENS[0]:,} tokens and an hour of questions", run(TRAINED_TOKENS[0]) + hour),
        (
            f"an evening: three runs on {TRAINED_TOKENS[1]:,} tokens, two hours",
            3 * run(TRAINED_TOKENS[1]) + 2 * hour,
        ),
    ]
    rows = ((name, usd(cost), str(int(limit / cost))) for name, cost in things)
    return _table((f"what, on 1 × {settings.training_instance_type}", "each", f"in {usd(limit)}"), rows)


def _types(settings: Settings) -> str:
    """The GPU types that have a price for both, in the main region."""
    both = [
        name
        for name in prices.priced_types(settings.region, "training")
        if name in prices.priced_types(settings.region, "hosting") and suits_the_recipe(name)
    ]

    def price(name: str, component: prices.Component) -> str:
        found = prices.hourly(name, settings.region, component)
        return f"{usd(found.usd)} ({found.date})"

    rows = ((name, price(name, "training"), price(name, "hosting")) for name in both)
    return _table((f"{settings.region}, an hour (price read on)", "training", "endpoint"), rows)


TABLES: dict[str, Callable[[Settings], str]] = {
    "buys": _buys,
    "training": _training,
    "worst": _worst,
    "endpoint": _endpoint,
    "types": _types,
}


def main() -> int:
    """Write the tables of the page again."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
