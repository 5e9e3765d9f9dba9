"""What the same would have cost on AWS."""

import json
from typing import Any

import pytest

from finexpert.service.money import plan
from tests.fakes.deployment import deployment
from tests.fakes.s3 import FakeS3

PRICE = 1.515


def test_jumpstarts_own_run_comes_out_at_its_published_seconds() -> None:
    # 10 steps of 4 × 1024 tokens took 44.9 s of optimizer steps there (4.49 s each).
    trained = 10 * 4 * 1024
    seconds = plan.training_seconds(trained, 0)
    assert seconds - plan.DOWNLOAD_SECONDS - plan.LOAD_SECONDS == pytest.approx(44.9, abs=0.1)


def test_evaluation_is_one_forward_pass_a_token() -> None:
    apart = plan.training_seconds(0, 9120) - plan.training_seconds(0, 0)
    assert apart == pytest.approx(10 / 3, rel=1e-3)


def test_dollars_follow_from_the_shown_sum() -> None:
    line = plan.training(91_200, 0, instance_type="ml.g5.2xlarge", instance_count=2, usd_per_hour=PRICE)
    assert line.usd == pytest.approx((300 + 40 + 100) / 3600 * PRICE * 2)
    for part in ("91,200 tokens ÷ 912 tokens/s", "440 s", "$1.515/h", "2 × ml.g5.2xlarge"):
        assert part in line.how


def test_evaluation_is_shown_where_it_counts() -> None:
    line = plan.training(1, 2736, instance_type="t", instance_count=1, usd_per_hour=PRICE)
    assert "2,736 evaluated ÷ 2736 tokens/s" in line.how


def test_total_adds_the_lines() -> None:
    lines = [plan.Sum("a", "", 0.2), plan.hosting(7200, instance_type="t", usd_per_hour=1.5)]
    assert plan.total(lines).usd == pytest.approx(3.2)
    assert plan.total(lines).how == "$0.20 + $3.00"


def planned(objects: dict[str, bytes], rank: int = 64, **hyperparameters: str) -> list[str]:
    base: Any = {"own_weights": True, "base_model_location": lambda bucket: "s3://data/base/"}
    base |= {"hyperparameters": hyperparameters, "served_rank": rank}
    return plan.unservable(deployment(FakeS3(objects), output="data", **base))


def test_what_the_container_cannot_serve_is_said_before_the_run() -> None:
    llama, neox = (
        {"base/config.json": json.dumps({"model_type": kind}).encode()} for kind in ("llama", "gpt_neox")
    )
    assert planned(llama) == [] == planned({})
    assert "gpt_neox" in planned(neox)[0]
    assert planned(neox, rank=0) == [], "merged weights"
    assert ["DoRA" in each for each in planned(llama, use_dora="True")] == [True]
