"""Admission: the worst case fits, is cut to fit, or is refused with the sum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lambda_cloud import NOW, REGION

from lambdas.admission.decision import (
    LEAST_USEFUL_SECONDS,
    BudgetExceeded,
    Money,
    Request,
    decide,
)
from lambdas.admission.handler import Settings, SpendUnknown, admit
from lambdas.shared.prices import UnknownPrice
from lambdas.shared.spend import Spend, month_start

REQUEST = Request(
    instance_type="ml.g5.2xlarge",
    instances=1,
    usd_per_instance_hour=1.5,
    max_runtime_seconds=7200,
    max_wait_seconds=14400,
    spot=False,
    training_tokens=90_000,
)
MONEY = Money(budget_usd=25, reserve_usd=2, spent_usd=5)


def test_a_job_that_fits_keeps_its_limits_and_tells_its_worst_case() -> None:
    admission = decide(REQUEST, MONEY)
    assert (admission.max_runtime_seconds, admission.worst_case_usd) == (7200, 3.0)
    assert admission.remaining_usd == 20
    assert "$25.00 budget − $5.00 spent − $2.00 reserve = $18.00" in admission.sentence


def test_it_is_cut_to_what_is_left() -> None:
    admission = decide(REQUEST, replace(MONEY, spent_usd=21.5))
    assert admission.max_runtime_seconds == 3600
    assert "cut to 60 min" in admission.sentence


def test_too_little_for_anything_useful_is_refused_with_the_sum() -> None:
    with pytest.raises(BudgetExceeded) as caught:
        decide(REQUEST, replace(MONEY, spent_usd=22.6))
    message = str(caught.value)
    assert "= $0.40" in message and "20 min" in message and "$0.50" in message and "budget_usd" in message


def test_running_jobs_bind_money() -> None:
    with pytest.raises(BudgetExceeded, match="for running jobs"):
        decide(REQUEST, replace(MONEY, committed_usd=17.9))


def test_spot_is_priced_by_its_longest_wait() -> None:
    spot = replace(REQUEST, spot=True)
    assert decide(spot, MONEY).worst_case_usd == 6.0
    cut = decide(spot, replace(MONEY, spent_usd=19.0))
    assert (cut.max_wait_seconds, cut.max_runtime_seconds) == (9600, 7200)


def test_all_instances_count() -> None:
    assert decide(replace(REQUEST, instances=2), MONEY).worst_case_usd == 6.0


def test_a_limit_below_the_useful_one_is_the_user_s_choice() -> None:
    assert decide(replace(REQUEST, max_runtime_seconds=60), MONEY).max_runtime_seconds == 60


def test_the_expectation_grows_with_the_text_and_stays_below_the_worst_case() -> None:
    short = decide(REQUEST, MONEY).expected_usd
    longer = decide(replace(REQUEST, training_tokens=900_000), MONEY).expected_usd
    endless = decide(replace(REQUEST, training_tokens=1e12), MONEY)
    assert short < longer < endless.expected_usd == endless.worst_case_usd


@given(
    rate=st.floats(0.05, 50),
    instances=st.integers(1, 8),
    runtime=st.integers(60, 86_400),
    wait=st.integers(60, 172_800),
    spot=st.booleans(),
    budget=st.floats(0, 200),
    spent=st.floats(0, 200),
    reserve=st.floats(0, 20),
)
def test_no_admitted_job_can_break_the_budget(
    rate: float,
    instances: int,
    runtime: int,
    wait: int,
    spot: bool,
    budget: float,
    spent: float,
    reserve: float,
) -> None:
    request = replace(
        REQUEST,
        usd_per_instance_hour=rate,
        instances=instances,
        max_runtime_seconds=runtime,
        max_wait_seconds=wait,
        spot=spot,
    )
    money = Money(budget_usd=budget, reserve_usd=reserve, spent_usd=spent)
    try:
        admission = decide(request, money)
    except BudgetExceeded:
        longest = max(wait, runtime) if spot else runtime
        needed = rate * instances * min(LEAST_USEFUL_SECONDS, longest) / 3600
        assert money.available_usd < needed + rate * instances / 3600 + 1e-9
        return
    held = admission.max_wait_seconds if spot else admission.max_runtime_seconds
    assert rate * instances * held / 3600 <= money.available_usd + 1e-6
    assert admission.max_runtime_seconds <= runtime
    assert admission.max_wait_seconds >= admission.max_runtime_seconds


class TestHandler:
    def spend(self, **changes: Any) -> Spend:
        return replace(Spend(month=month_start(NOW), now=NOW, lines=(), committed_usd=0.0), **changes)

    def test_the_answer_has_the_contract_s_fields(self) -> None:
        event = {
            "run": "finexpert-1",
            "spot": False,
            "dataset": {"tokens_estimated": 1000, "hyperparameters": {"epoch": "5"}},
        }
        answer = admit(event, Settings.load({"AWS_REGION": REGION}), self.spend())
        assert set(answer) == {
            "max_runtime_seconds",
            "max_wait_seconds",
            "worst_case_usd",
            "expected_usd",
            "spent_usd",
            "remaining_usd",
            "usd_per_hour",
            "sentence",
        }

    def test_what_is_not_known_lets_nothing_start(self) -> None:
        with pytest.raises(SpendUnknown, match="AccessDenied"):
            admit({}, Settings.load({}), self.spend(unread=("training jobs: AccessDenied",)))

    def test_an_unknown_price_blocks(self) -> None:
        with pytest.raises(UnknownPrice, match=r"ml\.z9"):
            admit({}, Settings.load({"TRAINING_INSTANCE_TYPE": "ml.z9"}), self.spend())
