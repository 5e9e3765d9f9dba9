"""No schedule of jobs, endpoints, late and lost looks takes a month past its budget: 1,000 of them."""

from typing import Any

import pytest

from core.money.prices import training_usd_per_hour
from core.money.reserve import Exposure
from tests.conformance.spend.simulation import SHAPES, Outcome, Schedule, play

#: Two instances of the recipe's type, each with the default volume.
PAIR = 2 * training_usd_per_hour("ml.g5.2xlarge", 100, "us-east-1")
SMALL = ("ml.g5.2xlarge", "ml.g6.2xlarge", "ml.g5.2xlarge")
MIXED = ("ml.g5.2xlarge", "ml.g6.2xlarge", "ml.g6.4xlarge", "ml.g5.12xlarge", "ml.g6.12xlarge")
SEEDS = 500


@pytest.fixture(scope="module")
def small() -> list[Outcome]:
    """At most two instances of the recipe's type, or cheaper ones, at a time; the default reserve."""
    return [play(Schedule(seed=seed, types=SMALL, highest_usd_per_hour=PAIR)) for seed in range(SEEDS)]


@pytest.fixture(scope="module")
def mixed() -> list[tuple[Schedule, Outcome]]:
    """Up to six instances of dearer types, other budgets and periods."""
    schedules = [
        Schedule(
            seed=10_000 + seed,
            types=MIXED,
            at_once=1 + seed % 6,
            budget_usd=(25.0, 60.0, 200.0)[seed % 3],
            reserve_usd=(0.5, 2.0, 10.0)[seed // 3 % 3],
            period=(3.0, 5.0, 15.0)[seed // 9 % 3],
        )
        for seed in range(SEEDS)
    ]
    return [(schedule, play(schedule)) for schedule in schedules]


def test_the_default_reserve_covers_two_g5_2xlarge_to_the_cent(small: list[Outcome]) -> None:
    assert max(outcome.overshoot_usd for outcome in small) <= 0.0


@pytest.mark.parametrize("shape", SHAPES)
def test_endpoints_that_do_not_say_what_bills_pass_no_budget(shape: str) -> None:
    schedules = [
        Schedule(seed=20_000 + seed, types=SMALL, highest_usd_per_hour=PAIR, shapes=(shape,))
        for seed in range(SEEDS // 10)
    ]
    outcomes = [play(schedule) for schedule in schedules]
    assert max(outcome.overshoot_usd for outcome in outcomes) <= 0.0
    assert sum(outcome.stopped for outcome in outcomes) > len(outcomes) / 3


def overshoot_bound_usd(exposure: Exposure, least_usd: float, highest_usd_per_hour: float) -> float:
    """Dollars past the budget that are possible at worst if the burn never exceeds the highest given."""
    return max(0.0, highest_usd_per_hour * exposure.hours - least_usd)


def test_the_formula_bounds_every_other_mix(mixed: list[tuple[Schedule, Outcome]]) -> None:
    for schedule, outcome in mixed:
        exposure = Exposure(period_minutes=schedule.period)
        bound = overshoot_bound_usd(exposure, schedule.reserve_usd, outcome.highest_usd_per_hour)
        assert outcome.overshoot_usd <= bound, schedule


def test_the_schedules_test_the_guard(small: list[Outcome], mixed: list[tuple[Schedule, Outcome]]) -> None:
    every = [*small, *(outcome for _, outcome in mixed)]
    assert sum(outcome.stopped for outcome in every) > len(every) / 3
    assert sum(outcome.admitted for outcome in every) > len(every)
    assert sum(outcome.refused for outcome in every) > len(every) / 10


def test_it_acts_on_what_was_spent_and_not_on_a_guess(small: list[Outcome]) -> None:
    # A deletion that is not in CloudTrail yet counts as running, and spot in full until it ends.
    assert max(outcome.early_usd for outcome in small if outcome.stopped) < PAIR


def test_a_limit_without_the_reserve_would_break_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property is not empty: the same schedules overshoot if nothing is kept back for the exposure."""
    monkeypatch.setattr(Exposure, "reserve_usd", lambda self, least, burn: least)
    rules: Any = {"types": SMALL, "highest_usd_per_hour": PAIR, "reserve_usd": 0.0}
    naive = [play(Schedule(seed=seed, **rules)) for seed in range(60)]
    assert max(outcome.overshoot_usd for outcome in naive) > 0.2
