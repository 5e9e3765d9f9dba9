"""A verdict that stands against its own figures is not believed, and no prose of a job comes into a mail."""

import json
from typing import Any

import pytest

from core.evaluation import model_card
from core.evaluation.evaluation import EvaluationError, parse
from core.names import Figure
from tests.fakes.evaluations import compared
from training.evaluation.metrics import REGISTRY

GOOD: dict[str, Any] = {
    "passed": True,
    "primary": compared(2.0, 1.5, [-0.6, -0.4]),
}
FORGED = {
    "worse but passed": {"base": 2.0, "tuned": 9.0, "difference": 7.0, "interval": [6, 8]},
    "interval touches zero": {"interval": [-0.6, 0.0]},
    "interval of a gain, figures of a loss": {"tuned": 2.5, "difference": 0.5},
    "difference of nothing": {"difference": -1.5},
    "interval the wrong way round": {"interval": [-0.4, -0.6]},
    "prose for a metric": {"metric": "URGENT: verify your account at https://evil.example"},
    "lines for a metric": {"metric": "bits\nFrom: bank"},
    "a sentence in the form of a name": {"metric": "urgent_verify_your_account_at_evil_example"},
    "another case": {"metric": "Perplexity"},
    "no metric": {"metric": ""},
    "a list for a metric": {"metric": ["perplexity"]},
    "an object for a metric": {"metric": {"name": "perplexity"}},
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


def test_all_that_the_trainer_measures_is_on_the_list() -> None:
    assert {metric.name for metric in REGISTRY} <= set(Figure)


def test_only_names_of_the_list_come_into_the_model_card() -> None:
    figures = {"base": 1.0, "tuned": 0.5, "difference": -0.5}
    named = [{"name": name, **figures} for name in ("faithfulness", "URGENT: call 555", 7, None, ["loss"])]
    card = json.loads(
        model_card.content(
            {**GOOD, "metrics": named}, run="r", labels={}, job={}, artifact_uri="s3://b/k", usd=0
        )
    )
    groups = card["evaluation_details"][0]["metric_groups"]
    assert [group["name"] for group in groups] == ["held_out_bits_per_byte", "faithfulness"]
