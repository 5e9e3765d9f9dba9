"""The sections of evaluation.json about metrics, wherever the models were asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from training.evaluation.asks import Answers, Prompt
from training.evaluation.comparisons import Compared, Outcome
from training.evaluation.metrics.base import GUARD, Item, Items, Metric
from training.evaluation.metrics.choice import (
    ChoiceAccuracy,
    calibration,
    chance,
    confusion,
    macro_f1,
    picked,
)
from training.evaluation.metrics.consistency import SameLabel, wordings
from training.evaluation.metrics.written_answers import ExactMatch, graded
from training.evaluation.numbers import OUTCOMES
from training.evaluation.statistics import Comparison

#: The number of questions of each metric, and of overlaps, that are shown. Of the dataset's own all are.
EXAMPLES = 3
OWN = "own_"
_DIGITS = 6


def sections(outcome: Outcome, *, max_forgetting: float) -> dict[str, Any]:
    """The sections ``metrics``, ``not_measured``, ``items``, ``questions``, ``choices`` and ``outcomes``."""
    return {
        "metrics": [
            _metric(metric, outcome.items[metric.name], outcome.metrics[metric.name], max_forgetting)
            for metric in outcome.of
            if metric.name in outcome.metrics
        ],
        "not_measured": [
            {"name": metric.name, "title": metric.title, "reason": outcome.missing[metric.name]}
            for metric in outcome.of
            if metric.name in outcome.missing
        ],
        "items": {name: _values(compared) for name, compared in outcome.metrics.items()},
        "questions": _questions(outcome),
        "choices": _choices(outcome),
        "outcomes": _outcomes(outcome),
    }


def comparison(of: Comparison) -> dict[str, Any]:
    """A comparison as JSON."""
    return asdict(of) | {"interval": list(of.interval), "detectable": of.detectable}


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
    limit: dict[str, Any] = {"limit": max_forgetting} if metric.role == GUARD else {}
    if isinstance(metric, ChoiceAccuracy) and (guessing := chance(items)) is not None:
        limit["chance"] = guessing
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


def _questions(outcome: Outcome) -> list[dict[str, Any]]:
    """All own questions, and the first of each other metric, however they were answered; each once."""
    shown: dict[str, dict[str, Any]] = {}
    for metric in outcome.of:
        asked = [item for item in outcome.items[metric.name].asked if item.question and item.id not in shown]
        if isinstance(metric, SameLabel):  # its sentences are those of sentiment
            continue
        most = None if metric.name.startswith(OWN) else EXAMPLES
        for item in asked[:most] if metric.name in outcome.metrics else ():
            right = "; ".join(item.its_question.answers)
            shown[item.id] = {
                "metric": metric.name,
                "id": item.id,
                "question": item.its_question.question,
                "right": f"{right} {item.its_question.scale}".strip(),
            } | {name: _given(item, answers) for name, answers in outcome.answers.items()}
    return list(shown.values())


def _choices(outcome: Outcome) -> dict[str, Any]:
    """For each set with choices how far its probabilities can be trusted, for labels the confusion, and how
    far the figure rests on the wording."""
    found = {}
    for metric in outcome.of:
        if isinstance(metric, ChoiceAccuracy) and metric.name in outcome.metrics:
            kept = outcome.kept(metric)
            labels = {item.its_question.choices for item in kept}
            found[metric.name] = {
                name: calibration(kept, answers) | (_labels(kept, answers) if len(labels) == 1 else {})
                for name, answers in outcome.answers.items()
            }
        elif isinstance(metric, SameLabel) and (asked := outcome.items[metric.name].asked):
            kept = outcome.kept(metric) if metric.name in outcome.metrics else list(asked)
            found[metric.name] = {name: wordings(kept, each) for name, each in outcome.answers.items()}
    return found


def _labels(items: Sequence[Item], answers: Answers) -> dict[str, Any]:
    table = confusion(items, answers)
    return {"macro_f1": macro_f1(table), "confusion": table}


def _outcomes(outcome: Outcome) -> dict[str, Any]:
    """For each set of written answers how many were right, right in the wrong scale, declined or wrong, and
    TAT-QA's mean F1."""
    found: dict[str, Any] = {}
    for metric in outcome.of:
        if isinstance(metric, ExactMatch) and metric.name in outcome.metrics:
            found[metric.name] = {}
            for name, answers in outcome.answers.items():
                grades = [graded(item, answers) for item in outcome.kept(metric)]
                counts = Counter(grade.outcome for grade in grades)
                found[metric.name][name] = {kind: counts[kind] for kind in OUTCOMES} | {
                    "f1": sum(grade.f1 for grade in grades) / len(grades)
                }
    return found


def _given(item: Item, answers: Answers) -> str:
    if item.its_question.choices:
        return item.its_question.choices[picked(item, answers)]
    return "; ".join(answers.texts[ask] for ask in item.asks if isinstance(ask, Prompt))
