"""What a dataset could show is said before anything is paid for, and the gate holds to it."""

import numpy as np
import pytest

from bench.evaluation_honesty import large_base, promised_gain
from core.dataset import Source, check
from core.dataset.power import LARGE_GAIN, Power, equal_parts, power_of, smallest_gain
from core.hyperparameters import parse
from tests.unit.core.dataset.reading import file, json_lines


@pytest.mark.parametrize(
    ("documents", "groups", "spread"), [(12, None, 0.02), (32, None, 0.03), (33, 11, 0.02)]
)
def test_the_promised_gain_passes_four_in_five(documents: int, groups: int | None, spread: float) -> None:
    dice = np.random.default_rng(1)
    gain = promised_gain(documents, groups, spread)
    passed = sum(large_base(dice, documents, groups, spread, gain) for _ in range(80))
    assert 0.65 <= passed / 80 <= 0.95
    assert sum(large_base(dice, documents, groups, spread, gain / 2) for _ in range(80)) / 80 < 0.4


def test_more_documents_show_smaller_gains_and_groups_larger_ones() -> None:
    gains = [smallest_gain(documents, None, 0.02) for documents in (6, 12, 32, 100)]
    assert gains == sorted(gains, reverse=True)
    assert smallest_gain(32, 8, 0.02) > smallest_gain(32, 16, 0.02) > gains[2]
    assert smallest_gain(1, None, 0.02) == float("inf")


def text(documents: int, groups: int = 0) -> Source:
    rows = [
        {"text": f"Document {n} says that sales of unit {n} rose."}
        | ({"group": f"g{n % groups}"} if groups else {})
        for n in range(documents)
    ]
    return file("a.jsonl", json_lines(rows))


@pytest.mark.parametrize(
    ("documents", "groups", "words"),
    [
        (20, 0, "4 documents are held out and 6 are needed"),
        (100, 10, "come from 2 groups and 8 are needed"),
        (200, 0, ""),
        (400, 200, ""),
    ],
)
def test_a_run_that_cannot_be_expected_to_pass_is_warned_of(documents: int, groups: int, words: str) -> None:
    report = check([text(documents, groups)], parse({}))
    gate = [warning for warning in report.warnings if "quality gate" in warning]
    assert bool(gate) is bool(words)
    assert words in "".join(gate)
    assert report.power is not None
    assert (report.power.gains[1] > LARGE_GAIN or not report.power.enough) is bool(words)


def test_one_long_document_among_short_ones_cannot_show_a_likely_gain() -> None:
    held_out = [{"text": f"A document {n}. " + "Sales rose. " * (5000 if n == 3 else 1)} for n in range(9)]
    report = check([text(50)], parse({}), validation=[file("b.jsonl", json_lines(held_out))])
    assert any("not likely to pass the quality gate" in warning for warning in report.warnings)


def test_early_stopping_leaves_half_of_the_documents_to_the_verdict() -> None:
    whole = check([text(200)], parse({})).power
    half = check([text(200)], parse({"early_stopping_patience": "2"})).power
    assert whole and half
    assert half.documents * 2 == whole.documents
    assert half.gains[1] > whole.gains[1]


def test_files_and_neighbours_are_the_groups_that_the_job_counts() -> None:
    assert power_of([f"f{n // 4}" for n in range(40)], [""] * 40, [9] * 40).groups == 10
    assert power_of(["a"] * 32, [""] * 32, [9] * 32).groups == 11
    alone = power_of(["a"] * 7, [""] * 7, [9] * 7)
    assert alone == Power(7, None, alone.gains)


def test_few_long_documents_among_short_ones_are_worth_few() -> None:
    assert equal_parts([5] * 10) == pytest.approx(10)
    long = power_of(["a"] * 20, [""] * 20, [5000, 5000, *[10] * 18])
    assert long.gains[1] > power_of(["a"] * 20, [""] * 20, [10] * 20).gains[1]
