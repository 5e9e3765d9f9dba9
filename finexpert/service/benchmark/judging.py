"""Grades answers, sums contestants up, and compares them in pairs."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from finexpert.service.benchmark.askers import Reply
from finexpert.service.benchmark.questions import Item
from training.evaluation.answers import grade_of
from training.evaluation.statistics import holm, mcnemar, sign_flip_p_value, t_quantile, tango_interval
from training.evaluation.wording import answer_line

LEVEL = 0.05
LETTERS = (
    re.compile(r"^\(?([A-Za-z])(?:\)?[.:,]|\)|\)?\s+[-–—]\s|\)?$)"),
    re.compile(r"(?:(?i:answer|option|choice)(?i: is|:)*\s+|\\boxed\{)\(?([A-Z])\b(?!')"),
    re.compile(r"\b([B-Z]|A(?! (?!or\b|and\b)[a-z]))\b(?!')(?<!\bI)"),
)
"""Patterns of an answer that names a choice by its letter: at its beginning, after a word, or anywhere."""
OUTCOMES = {"right": "correct", "wrong": "wrong", "wrong scale": "wrong", "declined": "refused"}


@dataclass(frozen=True)
class Judged:
    """One answer: correct, wrong, refused or failed. `detail` separates a wrong scale from a wrong figure."""

    outcome: str
    detail: str
    answer: str


def judge(item: Item, reply: Reply | None) -> Judged:
    """Grade an answer by what it says; None as a reply: the contestant failed."""
    if reply is None:
        return Judged("failed", "no answer", "")
    question = item.question
    if not re.search(r"\w", reply.text):  # nothing, or a dash
        return Judged("refused", "empty", "")
    if question.choices:
        chosen = _choice(reply.text, question.choices)
        outcome = "refused" if chosen is None else "correct" if chosen == question.right else "wrong"
        return Judged(outcome, outcome, reply.text)
    given = grade_of(reply.text, question)
    return Judged(OUTCOMES[given.outcome], given.outcome, reply.text)


def _choice(text: str, choices: Sequence[str]) -> int | None:
    """Which choice an answer names: by its letter, or by its wording. None: no single one."""
    line = answer_line(text)
    for pattern in LETTERS:
        found = {ord(match[1].upper()) - ord("A") for match in pattern.finditer(line)}
        if len(valid := {position for position in found if position < len(choices)}) == 1:
            return valid.pop()
    named = [number for number, choice in enumerate(choices) if choice.lower() in line.lower()]
    whole = [
        number
        for number in named
        if not any(choices[number].lower() in choices[o].lower() for o in named if o != number)
    ]
    return whole[0] if len(whole) == 1 else None


Given = Sequence[Sequence[Judged]]
"""A contestant's answers to each question: one, or one a repetition."""


def shown(given: Sequence[Judged]) -> dict[str, str]:
    """A contestant's answers to one question in the report: what they were, and the first of them."""
    details = Counter(each.detail for each in given)
    several = ", ".join(f"{detail} {count} of {len(given)}" for detail, count in details.items())
    return {"outcome": several if len(details) > 1 else given[0].detail, "answer": given[0].answer[:500]}


def summary(name: str, judged: Given, answered: Sequence[Reply], usd: float) -> dict[str, Any]:
    """A contestant's row: counts, dollars, dollars a correct answer, and how long answers took.

    The counts are of questions. Where one was asked several times, each of its answers is a part of it.
    """
    outcomes = [[each.outcome for each in given] for given in judged]
    details = [[each.detail for each in given] for given in judged]
    counts = {kind: _count(outcomes, kind) for kind in ("correct", "wrong", "refused", "failed")}
    right_answers = sum(given.count("correct") for given in outcomes)
    seconds = sorted(reply.seconds for reply in answered if reply.seconds)
    return {
        "name": name,
        **counts,
        "wrong_scale": _count(details, "wrong scale"),
        "usd": round(usd, 6),
        "usd_per_correct": round(usd / right_answers, 6) if right_answers else None,
        "latency_p50": _quantile(seconds, 0.5),
        "latency_p95": _quantile(seconds, 0.95),
    }


def _count(found: Sequence[Sequence[str]], kind: str) -> int | float:
    """The number of questions with this outcome; each of several answers to a question is a part of it."""
    count = round(sum(given.count(kind) / len(given) for given in found), 2)
    return int(count) if count == int(count) else count


def _quantile(values: Sequence[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, math.ceil(share * len(values)) - 1)], 3) if values else None


def pairs(items: Sequence[Item], judged: Mapping[str, Given]) -> list[dict[str, Any]]:
    """Every two contestants: difference of correct shares, interval, p, and what can be said.

    A question that was asked several times counts once, with the share of its answers that are correct.
    Where several questions are about one document, their answers err together: the interval counts documents,
    and their signs are turned together for p. p is corrected by Holm for the number of pairs.
    "better" needs p below 5 % and an interval without zero. `needed`: about how many questions would show the
    difference.
    """
    groups = [item.group for item in items]
    shares = {
        name: [sum(each.outcome == "correct" for each in answers) / len(answers) for answers in given]
        for name, given in judged.items()
    }
    found = []
    for a, b in combinations(shares, 2):
        differences = [left - right for left, right in zip(shares[a], shares[b], strict=True)]
        found.append({"a": a, "b": b, **compared(differences, groups)})
    adjusted = holm([pair["p"] for pair in found])
    for pair, p in zip(found, adjusted, strict=True):
        low, high = pair["interval"]
        sure = p < LEVEL and (low > 0 or high < 0)
        pair["p"] = round(p, 6)
        pair["finding"] = ("a better" if pair["difference"] > 0 else "b better") if sure else "cannot tell"
        pair["needed"] = None if sure else pair["needed"]
    return found


def compared(differences: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    """The paired difference of two contestants, with interval, p value and the number of questions needed.

    The exact test and interval are for answers that are right or wrong. Shares of repeated answers, and
    questions that err together, are compared by the sums of their groups.
    """
    import numpy as np

    total = len(differences)
    mean, squares = sum(differences) / total, sum(each**2 for each in differences)
    sums: dict[str, float] = defaultdict(float)
    sizes: dict[str, int] = defaultdict(int)
    for difference, group in zip(differences, groups, strict=True):
        sums[group] += difference
        sizes[group] += 1
    effect = 1.0
    if len(sums) < total or not {*differences} <= {-1, 0, 1}:
        interval, effect = by_group(list(sums.values()), list(sizes.values()), squares)
        p = sign_flip_p_value(np.array(list(sums.values()), dtype=float), seed=0)
    else:
        wins, losses = differences.count(1), differences.count(-1)
        interval, p = tango_interval(wins, losses, total), mcnemar(wins, losses)
    return {
        "difference": round(mean, 6),
        "interval": [round(min(1.0, max(-1.0, end)), 6) for end in interval],
        "p": p,
        "needed": needed(mean, squares, total, effect),
    }


def by_group(
    sums: Sequence[float], sizes: Sequence[int], squares: float
) -> tuple[tuple[float, float], float]:
    """The 95 % interval of a mean difference whose groups err together, and the design effect.

    `squares`: the sum of the squares of the single differences.

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
    independent = max(1e-9, squares / total - mean**2) / total
    return (mean - half, mean + half), max(1.0, error**2 / independent)


def needed(mean: float, squares: float, total: int, effect: float = 1.0) -> int | None:
    """About how many questions would show this difference with 80 % power; None for no difference.

    `squares`: the sum of the squares of the differences; `effect`: the design effect of questions that err
    together.
    """
    if abs(mean) < 1e-9:
        return None
    spread = squares / total - mean**2
    return max(total + 1, math.ceil(effect * (1.96 + 0.84) ** 2 * spread / mean**2))
