"""The fields of evaluation.json that the gate reads, each checked."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.names import Figure

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
)
"""What a report may load and run, also when it is opened from a disk: its own styles and pictures only."""


class EvaluationError(ValueError):
    """evaluation.json is absent or not what the trainer promises; a line for each problem."""


@dataclass(frozen=True, kw_only=True)
class Primary:
    """The figure that decides. `difference` is tuned − base, `interval` its confidence interval (low,
    high)."""

    metric: str
    base: float
    tuned: float
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The verdict of a run; `document` is evaluation.json whole, checked no further than the gate needs."""

    passed: bool
    primary: Primary
    document: Mapping[str, Any]


def parse(content: bytes) -> Evaluation:
    """Read evaluation.json; EvaluationError names every field that is missing or has no usable value."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"evaluation.json is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise EvaluationError("evaluation.json is not an object")
    problems: list[str] = []
    raw = document.get("primary")
    primary = raw if isinstance(raw, dict) else {}
    if not isinstance(document.get("passed"), bool):
        problems.append("passed: true or false is missing")
    if primary.get("metric") not in tuple(Figure):
        problems.append(f"primary.metric: it must be one of {', '.join(Figure)}")
    numbers = {
        name: _number(primary.get(name), f"primary.{name}", problems)
        for name in ("base", "tuned", "difference")
    }
    ends = primary.get("interval")
    if not isinstance(ends, list) or len(ends) != 2:
        problems.append("primary.interval: two numbers are missing")
        ends = [0.0, 0.0]
    low, high = (_number(end, "primary.interval", problems) for end in ends)
    problems = problems or _contradictions(document["passed"], numbers, (low, high))
    if problems:
        raise EvaluationError("evaluation.json cannot be used: " + "; ".join(problems))
    return Evaluation(
        passed=document["passed"],
        primary=Primary(metric=primary["metric"], interval=(low, high), **numbers),
        document=document,
    )


def _contradictions(passed: bool, numbers: Mapping[str, float], interval: tuple[float, float]) -> list[str]:
    """Return where the figures do not belong together, so that a verdict never stands against its numbers."""
    base, tuned, difference = (numbers[name] for name in ("base", "tuned", "difference"))
    low, high = interval
    found = []
    if not math.isclose(difference, tuned - base, rel_tol=1e-3, abs_tol=1e-4):
        found.append("primary.difference: it is not tuned − base")
    if not low <= high:
        found.append("primary.interval: its ends are exchanged")
    if passed and not (difference < 0 and high < 0):
        found.append("passed: it is true, but the interval does not show a smaller figure than the base's")
    return found


def sentence(evaluation: Evaluation, usd: float) -> str:
    """The result for people."""
    primary = evaluation.primary
    low, high = primary.interval
    verdict = (
        "Better than the base model" if evaluation.passed else "Not shown to be better than the base model"
    )
    return (
        f"{verdict}: {primary.metric.replace('_', ' ')} {primary.base:.4g} → {primary.tuned:.4g}"
        f" ({primary.difference:+.4g}, interval {low:+.4g} to {high:+.4g}), for ${usd:.2f}."
    )


def _number(value: Any, name: str, problems: list[str]) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        problems.append(f"{name}: a finite number is missing")
        return 0.0
    return float(value)
