"""Admission: the worst case fits, is cut to fit, or is refused with the sum."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.admission.admitting import AdmissionSettings, admit
from core.admission.decision import (
    LEAST_USEFUL_SECONDS,
    Admission,
    BudgetExceeded,
    JobRequest,
    Money,
    decide,
    options,
)
from core.admission.planning import SpendUnknown
from core.admission.reservations import KEY, LASTS
from core.money.prices import UnknownPrice
from core.money.reserve import Exposure
from core.money.spend import Line, Spend
from core.money.time import month_start
from tests.fakes.cloud import BUDGET_ENVIRONMENT, NOW, REGION, Cloud, error

REQUEST = JobRequest(
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
    with pytest.raises(BudgetExceeded, match="for running and reserved jobs"):
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
        assert money.available_usd(request.rate) < needed + rate * instances / 3600 + 1e-9
        return
    held = admission.max_wait_seconds if spot else admission.max_runtime_seconds
    assert rate * instances * held / 3600 <= money.available_usd(request.rate) + 1e-6
    assert admission.max_runtime_seconds <= runtime
    assert admission.max_wait_seconds >= admission.max_runtime_seconds


class TestReserve:
    """What runs decides how much must stay unspent."""

    def test_two_g5_2xlarge_fit_into_the_default_reserve(self) -> None:
        pair = 2 * (1.515 + 0.0192)
        assert Exposure(period_minutes=5).reserve_usd(2.0, pair) == 2.0
        assert pair * Exposure(period_minutes=5).hours <= 2.0

    def test_a_dearer_job_needs_a_larger_reserve_and_is_refused_without(self) -> None:
        dear = replace(REQUEST, usd_per_instance_hour=30.0, max_runtime_seconds=1200)
        assert decide(dear, replace(MONEY, budget_usd=100)).worst_case_usd == 10.0
        with pytest.raises(BudgetExceeded, match=r"\$19\.50 reserve \(39 min of all that would run"):
            decide(dear, MONEY)

    def test_what_runs_beside_takes_its_share_of_the_time(self) -> None:
        alone = decide(replace(REQUEST, max_runtime_seconds=86_400), MONEY)
        beside = decide(replace(REQUEST, max_runtime_seconds=86_400), replace(MONEY, beside_usd_per_hour=1.5))
        assert beside.max_runtime_seconds == alone.max_runtime_seconds // 2
        assert "What else runs uses up $1.500/h" in beside.sentence


class TestOptions:
    OTHERS = MappingProxyType({"ml.g6.2xlarge": 1.0, "ml.g5.48xlarge": 20.0})

    def test_cheaper_ones_are_reported_with_their_sum_and_whether_they_fit(self) -> None:
        request = replace(REQUEST, instances=2, others=self.OTHERS)
        found = options(request, replace(MONEY, spent_usd=17.5))
        assert [(o.what, o.worst_case_usd, o.fits) for o in found] == [
            ("1 × ml.g5.2xlarge", 3.0, True),
            ("2 × ml.g6.2xlarge", 4.0, True),
        ]

    def test_a_refusal_names_them(self) -> None:
        with pytest.raises(BudgetExceeded, match=r"Cheaper: 1 × ml\.g6\.2xlarge \(\$1\.000/h\)"):
            decide(replace(REQUEST, others=self.OTHERS), replace(MONEY, spent_usd=24))


ENVIRONMENT = BUDGET_ENVIRONMENT | {
    "AWS_REGION": REGION,
    "ARTIFACT_BUCKET": "artifacts",
    "TRAINING_INSTANCE_TYPE": "ml.g5.2xlarge",
    "TRAINING_INSTANCE_COUNT": "1",
    "VOLUME_GB": "100",
    "MAX_RUNTIME_SECONDS": "7200",
    "MAX_WAIT_SECONDS": "14400",
}


class TestHandler:
    def spend(self, **changes: Any) -> Spend:
        return replace(Spend(month=month_start(NOW), now=NOW, lines=(), committed_usd=0.0), **changes)

    def admit(
        self, job: str = "finexpert-1", cloud: Cloud | None = None, environ: Any = None, **changes: Any
    ) -> Admission:
        event = {"job": job, "spot": False, "dataset": {"trained_tokens": 5000}}
        return admit(
            event,
            AdmissionSettings.load(ENVIRONMENT | (environ or {})),
            cloud or Cloud(),
            lambda now: self.spend(**changes),
            clock=lambda: NOW,
            pause=lambda _: None,
        )

    def test_the_answer_has_the_contract_s_fields(self) -> None:
        assert set(asdict(self.admit())) == {
            "max_runtime_seconds",
            "max_wait_seconds",
            "worst_case_usd",
            "expected_usd",
            "spent_usd",
            "remaining_usd",
            "usd_per_hour",
            "sentence",
        }

    def test_price_with_its_day_volume_and_sum_stand_in_the_sentence(self) -> None:
        sentence = self.admit(environ={"TRAINING_INSTANCE_TYPE": "ml.p3.2xlarge"}).sentence
        assert "$3.825 per hour (ml.p3.2xlarge, us-east-1, read 2026-11-23)" in sentence
        assert "100 GB volume" in sentence and "$25.00 budget" in sentence
        assert "volume" not in self.admit().sentence  # an ml.g5 has local disks

    def test_what_is_not_known_lets_nothing_start(self) -> None:
        with pytest.raises(SpendUnknown, match="AccessDenied"):
            self.admit(unread=("training jobs: AccessDenied",))

    def test_an_unknown_price_blocks_and_says_what_to_do(self) -> None:
        with pytest.raises(UnknownPrice, match=r"finexpert prices refresh ml\.z9"):
            self.admit(environ={"TRAINING_INSTANCE_TYPE": "ml.z9"})

    def test_a_budget_below_the_cheapest_run_is_refused_with_the_sum(self) -> None:
        with pytest.raises(BudgetExceeded, match="Needed for the shortest useful run"):
            self.admit(environ={"BUDGET_USD": "2.2"})


class TestReservations:
    """Jobs that are admitted, and not in SageMaker's lists yet."""

    def run(self, cloud: Cloud, job: str, now: datetime = NOW, spent: float = 0, **changes: Any) -> Admission:
        line = Line(name="x", kind="training", usd=spent, how=str)
        spend = Spend(month=month_start(NOW), now=now, lines=(line,), committed_usd=0.0, **changes)
        return admit(
            {"job": job},
            AdmissionSettings.load(ENVIRONMENT),
            cloud,
            lambda _: spend,
            clock=lambda: now,
            pause=lambda _: None,
        )

    def test_the_second_sees_the_first_ones_money_as_bound(self) -> None:
        cloud = Cloud()
        first = self.run(cloud, "a", spent=19.6)
        assert first.max_runtime_seconds == 7200
        with pytest.raises(BudgetExceeded, match=r"\$3\.03 for running and reserved jobs"):
            self.run(cloud, "b", spent=19.6)

    def test_a_repeated_call_for_the_same_job_is_not_its_own_rival(self) -> None:
        cloud = Cloud()
        assert self.run(cloud, "a", spent=19.6) == self.run(cloud, "a", spent=19.6)

    def test_a_job_that_exists_is_counted_by_sagemaker_s_list_alone(self) -> None:
        cloud = Cloud()
        self.run(cloud, "a", spent=19.6)
        assert self.run(cloud, "b", spent=19.6, jobs=("a",)).max_runtime_seconds == 7200

    def test_a_run_that_never_started_gives_its_money_back(self) -> None:
        cloud = Cloud()
        self.run(cloud, "a", spent=19.6)
        later = NOW + LASTS
        assert self.run(cloud, "b", now=later, spent=19.6).max_runtime_seconds == 7200
        assert [entry["job"] for entry in json.loads(cloud.objects["artifacts", KEY])] == ["b"]

    def test_who_comes_second_in_the_same_moment_decides_anew(self) -> None:
        cloud = Cloud()
        rivals = iter([True])

        def another_writes_first(operation: str, request: dict[str, Any]) -> None:
            if operation == "PutObject" and next(rivals, False):
                self.run(cloud, "a", spent=19.6)

        cloud.before = another_writes_first
        with pytest.raises(BudgetExceeded, match="reserved"):
            self.run(cloud, "b", spent=19.6)
        assert [entry["job"] for entry in json.loads(cloud.objects["artifacts", KEY])] == ["a"]

    def test_endless_rivals_end_in_a_refusal(self) -> None:
        cloud = Cloud()
        cloud.failures["PutObject"] = error("PreconditionFailed", "no")
        with pytest.raises(SpendUnknown, match="start this one again"):
            self.run(cloud, "a")

    @pytest.mark.parametrize("operation", ["GetObject", "PutObject"])
    def test_without_the_reservations_nothing_starts(self, operation: str) -> None:
        cloud = Cloud()
        cloud.failures[operation] = error("AccessDenied", "no")
        with pytest.raises(SpendUnknown, match="AccessDenied"):
            self.run(cloud, "a")

    def test_a_torn_book_lets_nothing_start_and_says_what_to_do(self) -> None:
        cloud = Cloud()
        cloud.objects["artifacts", KEY] = b'[{"job": "a"'
        with pytest.raises(SpendUnknown, match="delete it when no run is being started"):
            self.run(cloud, "a")
