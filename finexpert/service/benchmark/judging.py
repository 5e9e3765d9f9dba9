"""Grades answers, sums contestants up, and compares them in pairs."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finexpert.service.benchmark.contestants import Reply
from finexpert.service.benchmark.questions import Item
from training.evaluation.answers import grade
from training.evaluation.statistics import holm, sign_flip_p_value, t_quantile, tango_interval

LEVEL = 0.05
OUTCOMES = {"right": "correct", "wrong": "wrong", "wrong scale": "wrong", "declined": "refused"}


@dataclass(frozen=True)
class Judged:
    """One answer: correct, wrong, refused or failed. `detail` tells a wrong scale from a wrong figure."""

    outcome: str
    detail: str
    answer: str


def judge(item: Item, reply: Reply | None) -> Judged:
    """Grade an answer by what it says; None: the contestant failed."""
    if reply is None:
        return Judged("failed", "no answer", "")
    question = item.question
    if not reply.text.strip():
        return Judged("refused", "empty", "")
    if question.choices:
        chosen = _choice(reply.text, question.choices)
        outcome = "refused" if chosen is None else "correct" if chosen == question.right else "wrong"
        return Judged(outcome, outcome, reply.text)
    given = grade(
        reply.text,
        question.answers,
        scale=question.scale,
        question=question.question,
        accepted=question.accepted,
        exact=question.exact,
    )
    return Judged(OUTCOMES[given.outcome], given.outcome, reply.text)


def _choice(text: str, choices: Sequence[str]) -> int | None:
    """Which choice an answer names: by its letter, or by its wording. None: no single one."""
    line = text.strip().splitlines()[0]
    if match := re.match(r"\(?([A-Za-z])(?:[).:]|$)", line):
        position = ord(match[1].upper()) - ord("A")
        return position if position < len(choices) else None
    named = [number for number, choice in enumerate(choices) if choice.lower() in line.lower()]
    whole = [
        number
        for number in named
        if not any(choices[number].lower() in choices[o].lower() for o in named if o != number)
    ]
    return whole[0] if len(whole) == 1 else None


def summary(
    name: str, judged: Sequence[Judged], replies: Sequence[Reply | None], usd: float
) -> dict[str, Any]:
    """A contestant's row: counts, dollars, dollars a correct answer, and how long answers took."""
    counts = {
        outcome: sum(each.outcome == outcome for each in judged)
        for outcome in ("correct", "wrong", "refused", "failed")
    }
    seconds = sorted(reply.seconds for reply in replies if reply and reply.seconds)
    return {
        "name": name,
        **counts,
        "wrong_scale": sum(each.detail == "wrong scale" for each in judged),
        "usd": round(usd, 6),
        "usd_per_correct": round(usd / counts["correct"], 6) if counts["correct"] else None,
        "latency_p50": _quantile(seconds, 0.5),
        "latency_p95": _quantile(seconds, 0.95),
    }


def _quantile(values: Sequence[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, math.ceil(share * len(values)) - 1)], 3) if values else None


def pairs(items: Sequence[Item], judged: Mapping[str, Sequence[Judged]]) -> list[dict[str, Any]]:
    """Every two contestants: difference of correct shares, interval, p, and what can be said.

    Where several questions are about one document, their answers err together: the interval counts documents,
    and their signs are turned together for p. p is corrected by Holm for the number of pairs.
    "better" needs p below 5 % and an interval without zero. `needed`: about how many questions would show the
    difference.
    """
    names = list(judged)
    found = []
    for first in range(len(names)):
        for second in range(first + 1, len(names)):
            a, b = names[first], names[second]
            differences = [
                (left.outcome == "correct") - (right.outcome == "correct")
                for left, right in zip(judged[a], judged[b], strict=True)
            ]
            found.append({"a": a, "b": b, **compared(differences, [item.group for item in items])})
    adjusted = holm([pair["p"] for pair in found])
    for pair, p in zip(found, adjusted, strict=True):
        low, high = pair["interval"]
        sure = p < LEVEL and (low > 0 or high < 0)
        pair["p"] = round(p, 6)
        pair["finding"] = ("a better" if pair["difference"] > 0 else "b better") if sure else "cannot tell"
        pair["needed"] = None if sure else pair["needed"]
    return found


def compared(differences: Sequence[int], groups: Sequence[str]) -> dict[str, Any]:
    """The paired difference of two contestants, with interval, p value and the number of questions needed."""
    import numpy as np

    total = len(differences)
    sums: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for difference, group in zip(differences, groups, strict=True):
        sums[group] += difference
        sizes[group] += 1
    wins, losses = differences.count(1), differences.count(-1)
    effect = 1.0
    if len(sums) < total:
        interval, effect = by_group(list(sums.values()), list(sizes.values()))
        p = sign_flip_p_value(np.array(list(sums.values()), dtype=float), seed=0)
    else:
        interval, p = tango_interval(wins, losses, total), mcnemar(wins, losses)
    return {
        "difference": round((wins - losses) / total, 6),
        "interval": [round(min(1.0, max(-1.0, end)), 6) for end in interval],
        "p": p,
        "needed": needed(wins, losses, total, effect),
    }


def by_group(sums: Sequence[int], sizes: Sequence[int]) -> tuple[tuple[float, float], float]:
    """The 95 % interval of a mean difference whose groups err together, and the design effect.

    Cluster-robust standard error with t (E. Miller, "Adding Error Bars to Evals", 2024). One group alone
    gives no interval at all. The design effect is how much wider it is than for independent questions.
    """
    total, count = sum(sizes), len(sums)
    mean = sum(sums) / total
    if count < 2:
        return (-1.0, 1.0), float(total)
    residuals = sum((s - n * mean) ** 2 for s, n in zip(sums, sizes, strict=True))
    error = math.sqrt(count / (count - 1) * residuals) / total
    half = t_quantile(count - 1) * error
    independent = max(1e-9, sum(map(abs, sums)) / total - mean**2) / total
    return (mean - half, mean + half), max(1.0, error**2 / independent)


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p value of McNemar's test (Psychometrika 1947), from the questions that differ."""
    total = wins + losses
    if not total:
        return 1.0
    tail: float = sum(math.comb(total, k) for k in range(min(wins, losses) + 1)) / 2**total
    return min(1.0, 2 * tail)


def needed(wins: int, losses: int, total: int, effect: float = 1.0) -> int | None:
    """About how many questions would show this difference with 80 % power; None for no difference.

    `effect`: the design effect of questions that err together.
    """
    difference = (wins - losses) / total
    if not difference:
        return None
    spread = (wins + losses) / total - difference**2
    return max(total + 1, math.ceil(effect * (1.96 + 0.84) ** 2 * spread / difference**2))
