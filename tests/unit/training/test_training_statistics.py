"""The comparison: right on known cases, and rarely fooled by chance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.generation import repetition
from training.evaluation.result import judge, verdict
from training.evaluation.scoring import Score
from training.evaluation.statistics import Comparison, bootstrap_interval, compare, t_quantile


def scores(bits: list[float], size: int = 100) -> list[Score]:
    return [Score(value * math.log(2), 10, size) for value in bits]


def test_the_difference_is_tuned_minus_base_per_byte() -> None:
    comparison = compare(scores([200.0] * 10), scores([150.0] * 10), seed=0)
    assert comparison.base == pytest.approx(2.0)
    assert comparison.difference == pytest.approx(-0.5)
    assert comparison.interval == pytest.approx((-0.5, -0.5))
    assert comparison.win_rate == 1.0
    assert comparison.improved


def test_long_documents_count_by_their_bytes() -> None:
    base = [Score(100 * math.log(2), 10, 100), Score(900 * math.log(2), 10, 900)]
    assert compare(base, base, seed=0).base == pytest.approx(1.0)


def test_no_change_is_no_improvement() -> None:
    comparison = compare(scores([200.0] * 50), scores([200.0] * 50), seed=0)
    assert (comparison.difference, comparison.win_rate, comparison.improved) == (0, 0.5, False)


def test_few_documents_cannot_show_an_improvement_however_large() -> None:
    assert not compare(scores([200.0] * 5), scores([100.0] * 5), seed=0).improved


@given(st.lists(st.tuples(st.floats(-50, 50), st.integers(20, 400)), min_size=2, max_size=30))
def test_the_interval_holds_the_estimate(pairs: list[tuple[float, int]]) -> None:
    changes, sizes = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    low, high = bootstrap_interval(changes, sizes, seed=1)
    estimate = changes.sum() / sizes.sum()
    assert low - 1e-9 <= estimate <= high + 1e-9


@pytest.mark.parametrize("documents", [8, 30])
def test_chance_alone_seldom_passes(documents: int) -> None:
    random = np.random.default_rng(7)
    runs = 400
    passes = sum(
        bootstrap_interval(
            random.normal(0, 9, documents), random.integers(50, 600, documents).astype(float), seed=i
        )[1]
        < 0
        for i in range(runs)
    )
    # 2.5 % is the aim; beyond 4.8 % (three standard errors above it) the interval would be too narrow.
    assert passes / runs <= 0.048


@pytest.mark.parametrize(
    ("degrees", "value"), [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (30, 2.042)]
)
def test_students_quantiles_are_those_of_the_tables(degrees: int, value: float) -> None:
    assert t_quantile(degrees) == pytest.approx(value, rel=1e-3)


def comparison(low: float, high: float, documents: int = 40) -> Comparison:
    return Comparison(2.0, 2.0 + (low + high) / 2, (low + high) / 2, (low, high), 0.7, documents)


@pytest.mark.parametrize(
    ("primary", "forgetting", "failing"),
    [
        (comparison(-0.3, -0.1), comparison(-0.1, 0.1), []),
        (comparison(-0.3, 0.01), comparison(-0.1, 0.1), ["held_out_text"]),
        (comparison(-0.3, 0.0), comparison(-0.1, 0.1), ["held_out_text"]),
        (comparison(0.1, 0.3), comparison(-0.1, 0.1), ["held_out_text"]),
        (comparison(-0.3, -0.1, documents=5), comparison(-0.1, 0.1), ["enough_documents"]),
        (comparison(-0.3, -0.1), comparison(0.3, 0.4), ["forgetting"]),
        (
            comparison(0.1, 0.3, documents=2),
            comparison(0.3, 0.4),
            ["held_out_text", "enough_documents", "forgetting"],
        ),
    ],
)
def test_the_gate_says_no_for_each_reason(
    primary: Comparison, forgetting: Comparison, failing: list[str]
) -> None:
    rules = judge(primary, forgetting, max_forgetting=0.2)
    assert [rule.name for rule in rules if not rule.passed] == failing
    sentence = verdict(primary, rules)
    assert ("not accepted" in sentence) is bool(failing)


@pytest.mark.parametrize(
    ("text", "share"),
    [("", 0.0), ("two words", 0.0), ("a b c d e", 0.0), ("no no no no no", 2 / 3), ("A b c a B c", 1 / 4)],
)
def test_repetition_is_the_share_of_stretches_seen_before(text: str, share: float) -> None:
    assert repetition(text) == pytest.approx(share)
