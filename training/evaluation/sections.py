"""The sections of evaluation.json that tell of metrics, wherever the models were asked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from training.evaluation.asks import Answers, Prompt
from training.evaluation.comparisons import Compared, Outcome
from training.evaluation.metrics.base import GUARD, Item, Items, Metric
from training.evaluation.metrics.choice import picked
from training.evaluation.statistics import Comparison

#: So many questions of each metric, and so many overlaps, are shown.
EXAMPLES = 3
_DIGITS = 6


def sections(
    metrics: Sequence[Metric],
    items: Mapping[str, Items],
    outcome: Outcome,
    base: Answers,
    tuned: Answers,
    *,
    max_forgetting: float,
) -> dict[str, Any]:
    """``metrics``, ``not_measured``, ``items`` and ``questions``."""
    return {
        "metrics": [
            _metric(metric, items[metric.name], outcome.metrics[metric.name], max_forgetting)
            for metric in metrics
            if metric.name in outcome.metrics
        ],
        "not_measured": [{"name": name, "reason": reason} for name, reason in outcome.missing.items()],
        "items": {name: _values(compared) for name, compared in outcome.metrics.items()},
        "questions": _questions(metrics, items, outcome, base, tuned),
    }


def comparison(of: Comparison) -> dict[str, Any]:
    """A comparison as JSON."""
    return asdict(of) | {"interval": list(of.interval)}


def judged(compared: Compared) -> dict[str, Any]:
    """A comparison with what it shows."""
    return comparison(compared.comparison) | {
        "p_adjusted": compared.p_adjusted,
        "finding": compared.finding,
    }


def rounded(value: Any) -> Any:
    """Figures to six significant digits: more would be noise, and would hide that."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def _metric(metric: Metric, items: Items, compared: Compared, max_forgetting: float) -> dict[str, Any]:
    about = {name: getattr(metric, name) for name in ("name", "title", "about", "unit", "better", "role")}
    limit = {"limit": max_forgetting} if metric.role == GUARD else {}
    counts = {
        "asked": len(items.asked),
        "available": items.available,
        "left_out": len(items.asked) - compared.comparison.items,
    }
    return about | limit | judged(compared) | counts


def _values(compared: Compared) -> dict[str, Any]:
    values = asdict(compared.values)
    if set(values["sizes"]) == {1.0}:
        del values["sizes"]
    return values


def _questions(
    metrics: Sequence[Metric], items: Mapping[str, Items], outcome: Outcome, base: Answers, tuned: Answers
) -> list[dict[str, Any]]:
    """The first questions of each metric, not chosen by how they were answered; each question once."""
    shown: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        asked = [item for item in items[metric.name].asked if item.question and item.id not in shown]
        for item in asked[:EXAMPLES] if metric.name in outcome.metrics else ():
            assert item.question is not None
            right = "; ".join(item.question.answers)
            shown[item.id] = {
                "metric": metric.name,
                "id": item.id,
                "question": item.question.question,
                "right": f"{right} {item.question.scale}".strip(),
                "base": _given(item, base),
                "tuned": _given(item, tuned),
            }
    return list(shown.values())


def _given(item: Item, answers: Answers) -> str:
    assert item.question is not None
    if item.question.choices:
        return item.question.choices[picked(item, answers)]
    return "; ".join(answers.texts[ask] for ask in item.asks if isinstance(ask, Prompt))
