"""A verdict that stands against its own figures is not believed, and no prose of a job comes into a mail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.evaluation.evaluation import EvaluationError, parse

GOOD: dict[str, Any] = {
    "passed": True,
    "primary": {
        "metric": "held_out_bits_per_byte",
        "base": 2.0,
        "tuned": 1.5,
        "difference": -0.5,
        "interval": [-0.6, -0.4],
    },
}
FORGED = {
    "worse but passed": {"base": 2.0, "tuned": 9.0, "difference": 7.0, "interval": [6, 8]},
    "interval touches zero": {"interval": [-0.6, 0.0]},
    "interval of a gain, figures of a loss": {"tuned": 2.5, "difference": 0.5},
    "difference of nothing": {"difference": -1.5},
    "interval the wrong way round": {"interval": [-0.4, -0.6]},
    "prose for a metric": {"metric": "URGENT: verify your account at https://evil.example"},
    "lines for a metric": {"metric": "bits\nFrom: bank"},
    "no metric": {"metric": ""},
    "long metric": {"metric": "a" * 65},
}


@pytest.mark.parametrize("changes", FORGED.values(), ids=FORGED)
def test_a_forged_verdict_is_refused(changes: dict[str, Any]) -> None:
    forged = {**GOOD, "primary": {**GOOD["primary"], **changes}}
    with pytest.raises(EvaluationError):
        parse(json.dumps(forged).encode())


def test_an_honest_one_is_taken() -> None:
    assert parse(json.dumps(GOOD).encode()).passed
    refused = {**GOOD, "passed": False}
    assert not parse(json.dumps(refused).encode()).passed  # other rules of the gate may refuse it
