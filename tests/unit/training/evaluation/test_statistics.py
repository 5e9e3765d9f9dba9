"""The comparison: right on known cases, rarely fooled by chance, corrected for many, judged by the gate."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.gate import PromptEvidence, judge, verdict
from training.evaluation.statistics import (
    RESAMPLES,
    Comparison,
    bootstrap_interval,
    compare,
    effect_size,
    holm,
    sign_flip_p_value,
    t_quantile,
    tango_interval,
)


def test_the_difference_is_tuned_minus_base() -> None:
    comparison = compare([2.0] * 10, [1.5] * 10, lower_is_better=True, seed=0)
    assert (comparison.base, comparison.tuned, comparison.items) == (2.0, 1.5, 10)
    assert comparison.difference == pytest.approx(-0.5)
    assert comparison.interval == pytest.approx((-0.5, -0.5))
    assert comparison.win_rate == 1.0
    assert comparison.effect_size is None  # all differences are equal


def test_figures_are_means_weighted_by_size() -> None:
    comparison = compare([1.0, 3.0], [2.0, 3.0], [100.0, 300.0], lower_is_better=True, seed=0)
    assert comparison.base == pytest.approx(2.5)
    assert comparison.difference == pytest.approx(0.25)


def test_a_win_is_what_the_metric_calls_better() -> None:
    base, tuned = [0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0]
    assert compare(base, tuned, lower_is_better=False, seed=0).win_rate == 0.625
    assert compare(base, tuned, lower_is_better=True, seed=0).win_rate == 0.375


def test_no_change_is_no_improvement() -> None:
    comparison = compare([2.0] * 50, [2.0] * 50, lower_is_better=True, seed=0)
    assert (comparison.difference, comparison.win_rate, comparison.p_value) == (0, 0.5, 1.0)
    assert comparison.interval == (0, 0)


def test_the_effect_size_is_the_mean_difference_in_standard_deviations() -> None:
    assert effect_size(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.0)
    assert effect_size(np.array([-1.0, 1.0])) == 0
    assert effect_size(np.array([0.3])) is None


def test_few_right_or_wrong_answers_that_changed_are_no_outliers() -> None:
    changes = np.array([-1.0] + [0.0] * 39)
    low, high = bootstrap_interval(changes, np.ones(40), seed=0, bounded=True)
    assert -0.1 < low < -0.025 < high < 0.05
    wide = bootstrap_interval(changes, np.ones(40), seed=0)
    assert wide[0] < 2 * low


def exact_p_value(changes: list[float]) -> float:
    """Over all choices of signs."""
    observed = abs(sum(changes)) - 1e-9
    sums = [
        abs(sum(s * c for s, c in zip(signs, changes, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(changes))
    ]
    return sum(total >= observed for total in sums) / len(sums)


@pytest.mark.parametrize(
    "changes", [[1.0] * 8, [0.4, 0.1, -0.2, 0.3, 0.5, 0.1, -0.1, 0.2], [1.0, -1.0, 1.0, 0.0, 0.0, 1.0]]
)
def test_the_sign_flip_test_agrees_with_all_choices_of_signs(changes: list[float]) -> None:
    exact = exact_p_value(changes)
    error = 4 * math.sqrt(exact * (1 - exact) / RESAMPLES) + 2 / RESAMPLES
    assert sign_flip_p_value(np.array(changes), seed=3) == pytest.approx(exact, abs=error)


def test_holm_corrects_as_in_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrected_p_values_keep_their_order_and_never_shrink(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(1 >= after >= before for before, after in zip(p_values, adjusted, strict=True))
    ranked = [after for _, after in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


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


def comparison(low: float, high: float, base: float = 2.0, *, items: int = 40) -> Comparison:
    middle = (low + high) / 2
    return Comparison(base, base + middle, middle, (low, high), 0.7, -1.0, 0.01, items)


@pytest.mark.parametrize(
    ("primary", "forgetting", "failing"),
    [
        (comparison(-0.3, -0.2), comparison(-0.05, 0.1), []),
        (comparison(-0.3, 0.0), comparison(0.15, 0.2), ["held_out_text"]),
        (comparison(-0.3, 0.01), comparison(0.15, 0.2), ["held_out_text"]),
        (comparison(0.2, 0.3), comparison(-0.1, 0.1), ["held_out_text", "beyond_general_text"]),
        (comparison(-0.3, -0.2, items=5), comparison(-0.1, 0.1), ["enough_documents"]),
        (comparison(-0.3, -0.2), comparison(0.3, 0.4), ["forgetting"]),
        # An estimate within the bound is not enough: the interval must be.
        (comparison(-0.3, -0.2), comparison(0.1, 0.3), ["forgetting"]),
        # A gain that any text brings is no sign that this kind of text was learnt.
        (comparison(-0.3, -0.2), comparison(-0.3, -0.2), ["beyond_general_text"]),
        # Documents in groups: eight groups are needed.
        (replace(comparison(-0.3, -0.2), groups=7), comparison(-0.1, 0.1), ["enough_documents"]),
        (replace(comparison(-0.3, -0.2), groups=8), comparison(-0.1, 0.1), []),
        # General text is measured against its own base: 0.2 of 1.0 is more than 10 %, 0.2 of 2.0 is not.
        (comparison(-0.9, -0.8), replace(comparison(0.1, 0.19), base=1.0), ["forgetting"]),
    ],
)
def test_the_gate_says_no_for_each_reason(
    primary: Comparison, forgetting: Comparison, failing: list[str]
) -> None:
    rules = judge(primary, forgetting, max_forgetting=0.1)
    assert [rule.name for rule in rules if not rule.passed] == failing
    sentence = verdict(primary, rules)
    assert ("not accepted" in sentence) is bool(failing)


@pytest.mark.parametrize(
    ("change", "tuned", "passed"),
    [
        ((0.2, 0.4, 0.1), (0.3, 0.5, 0.0), True),
        ((-0.1, 0.1, 0.1), (0.05, 0.15, 0.0), False),  # it follows prompts no better than the base
        ((0.4, 0.6, -0.5), (-0.1, 0.1, 0.0), False),  # a constant answer only ends a wrong one
        ((0.001, 0.4, 0.1), (0.3, 0.5, 0.0), False),  # shown, but too small to matter
        (None, None, False),
    ],
)
def test_answers_must_follow_from_their_prompts(
    change: tuple[float, float, float] | None, tuned: tuple[float, float, float] | None, passed: bool
) -> None:
    """Of each figure: the ends of its interval, and the base's."""
    evidence = PromptEvidence(*(each and comparison(*each) for each in (change, tuned)))
    rules = judge(comparison(-1.0, -0.9), comparison(-0.1, 0.1), 0.1, prompts=evidence)
    assert {rule.name: rule.passed for rule in rules}["follows_prompts"] is passed
    assert ("only to have the right form" in verdict(comparison(-1.0, -0.9), rules)) is not passed


@pytest.mark.parametrize(
    ("base", "tuned", "passed"), [(0.0, 0.5, True), (0.0, 0.6, False), (0.7, 0.6, True), (0.5, 0.6, False)]
)
def test_broken_writing_beyond_a_bound_is_refused(base: float, tuned: float, passed: bool) -> None:
    broken = Comparison(base, tuned, tuned - base, (0.0, 1.0), 0.5, None, 0.5, 16)
    rules = judge(comparison(-0.3, -0.2), comparison(-0.1, 0.1), 0.1, broken=broken)
    assert rules[-1].passed is passed


def test_what_got_worse_stands_in_the_verdict() -> None:
    primary = comparison(-0.3, -0.2)
    rules = judge(primary, comparison(-0.1, 0.1), 0.1)
    sentence = verdict(primary, rules, caveats=["38% of what it writes is broken"])
    assert sentence.endswith("But 38% of what it writes is broken.")
    assert "understands" not in sentence


def test_without_clean_documents_no_figure_is_given() -> None:
    primary = replace(comparison(-0.3, -0.2), items=0)
    rules = judge(primary, comparison(-0.1, 0.1), 0.1)
    assert not any(rule.passed for rule in rules)
    assert "0 held-out" not in " ".join([rules[0].sentence, verdict(primary, rules)])
    assert "bits" not in verdict(primary, rules)


def test_items_of_a_group_count_as_one_where_they_change_together() -> None:
    dice = np.random.default_rng(3)
    shifts = np.repeat(dice.normal(-0.05, 0.2, 10), 8)
    changes = shifts + dice.normal(0, 0.02, 80)
    base = np.full(80, 2.0)
    groups = [str(number // 8) for number in range(80)]
    alone = compare(list(base), list(base + changes), lower_is_better=True, seed=0)
    together = compare(list(base), list(base + changes), lower_is_better=True, seed=0, groups=groups)
    assert (alone.groups, together.groups, together.units) == (None, 10, 10)
    assert np.ptp(together.interval) > 2 * np.ptp(alone.interval)
    assert together.p_value > alone.p_value
    single = compare(list(base), list(base + changes), lower_is_better=True, seed=0, groups=range(80))
    assert single == alone


def test_few_changes_are_tested_exactly() -> None:
    assert sign_flip_p_value(np.array([-1.0] * 6), seed=0) == 2 / 64
    assert sign_flip_p_value(np.array([-1.0] * 5), seed=0) == 2 / 32


def test_tangos_interval_is_that_of_the_paper() -> None:
    """T. Tango (1998), table III: 43 of 44 patients each, 0 against 1 changed."""
    low, high = tango_interval(0, 1, 44)
    assert (low, high) == (pytest.approx(-0.118, abs=0.003), pytest.approx(0.058, abs=0.003))


@pytest.mark.parametrize(
    ("items", "gained", "lost"), [(136, 0.015, 0.005), (84, 0.02, 0.0), (40, 0.03, 0.01), (40, 0.2, 0.05)]
)
def test_intervals_of_right_and_wrong_answers_cover(items: int, gained: float, lost: float) -> None:
    dice = np.random.default_rng(7)
    covered, runs = 0, 1000
    for more, less, _ in dice.multinomial(items, [gained, lost, 1 - gained - lost], size=runs):
        low, high = tango_interval(float(more), float(less), items)
        covered += low <= gained - lost <= high
        assert high > low
    assert covered / runs >= 0.93


def test_the_smallest_change_that_could_be_shown_shrinks_with_more_items() -> None:
    few, many = (
        compare([0.0, 1.0] * n, [1.0, 0.0] * n, lower_is_better=False, bounded=True, seed=0) for n in (20, 80)
    )
    assert few.detectable == pytest.approx(2 * many.detectable, rel=0.1)
    assert 0.2 < few.detectable < 0.5
