"""Two evaluations side by side: what both runs were measured on, compared in pairs as in a training job.

Only what both share can be compared in pairs. Items are recognized by their id and size; where the runs' data
differ, the base model must have found them equally hard too, else one name stands for two texts. Without
shared items there are two figures and no claim about their difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from core.names import BITS

if TYPE_CHECKING:
    from training.evaluation.statistics import Comparison

SEED = 10
#: The base's values of one text, measured twice, differ by less (bf16, another device or batch).
SAME_BASE = 0.01
#: With fewer of the common names agreeing, the two sets are different sets whose names happen to meet.
MOST_AGREE = 0.5


@dataclass(frozen=True, kw_only=True)
class MetricPair:
    """One metric of the tuned models of runs A and B.

    Args:
        a, b: over the shared items; over each run's own items where none is shared.
        shared: number of items compared in pairs; `of_a` and `of_b`: how many each had.
        difference: b − a; None where nothing is shared, as are the interval and the finding.
        interval: 95 % interval of the difference.
        p_adjusted: corrected for the number of secondary metrics; None for the primary and the guard.
        finding: "B better", "A better" or "no difference shown".
    """

    name: str
    title: str
    unit: str
    better: str
    role: str
    a: float
    b: float
    shared: int
    of_a: int
    of_b: int
    difference: float | None = None
    interval: tuple[float, float] | None = None
    p_adjusted: float | None = None
    finding: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunPair:
    """Two runs. `settings` and `versions` hold what differs, by name: (of A, of B), None where absent."""

    runs: tuple[str, str]
    passed: tuple[bool, bool]
    same_data: bool
    metrics: tuple[MetricPair, ...]
    warnings: tuple[str, ...]
    settings: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    usd: tuple[float | None, float | None]

    def as_json(self) -> dict[str, Any]:
        """The fields and the sentence, for `--json` and the page."""
        return asdict(self) | {"sentence": self.sentence}

    @property
    def sentence(self) -> str:
        """Which of the two to prefer, by the main metric, and whether their data differ."""
        finding = next((metric.finding for metric in self.metrics if metric.role == "primary"), None)
        better = next((letter for letter in "AB" if finding == f"{letter} better"), None)
        if better is None:
            said = "Neither is shown to be better."
            said = said if finding else "They share no unseen text, so neither can be preferred."
        elif self.passed["AB".index(better)]:
            said = f"Prefer {better}: it is shown to be better on unseen text."
        else:
            said = f"{better} is better on unseen text, but the quality gate did not accept it."
        return said if self.same_data else f"{said} They were trained on different data."


@dataclass(frozen=True)
class _Item:
    """A document's or question's value for base and tuned model, and its weight."""

    base: float
    tuned: float
    size: float


_Items = Mapping[str, _Item]


def compare(names: tuple[str, str], evaluations: tuple[Mapping[str, Any], Mapping[str, Any]]) -> RunPair:
    """Compare the tuned models of two runs by their `evaluation.json` (schema version 2)."""
    from training.evaluation.statistics import holm

    digests = [_part(evaluation, "data").get("sha256") for evaluation in evaluations]
    same_data = digests[0] is not None and digests[0] == digests[1]
    of_a, of_b = (
        {metric["name"]: metric for metric in evaluation.get("metrics", [])} for evaluation in evaluations
    )
    common = [name for name in of_a if name in of_b]
    items = {name: (_items(evaluations[0], name), _items(evaluations[1], name)) for name in common}
    shared = {name: _shared(*items[name], same_data=same_data) for name in common}
    compared = {name: _compared(*items[name], shared[name], of_a[name]) for name in common if shared[name]}
    family = [name for name in compared if of_a[name]["role"] == "secondary"]
    adjusted = dict(zip(family, holm([compared[name].p_value for name in family]), strict=True))
    metrics = tuple(
        MetricPair(
            **{key: of_a[name][key] for key in ("name", "title", "unit", "better", "role")},
            a=compared[name].base if name in compared else of_a[name]["tuned"],
            b=compared[name].tuned if name in compared else of_b[name]["tuned"],
            shared=len(shared[name]),
            of_a=len(items[name][0]),
            of_b=len(items[name][1]),
            **_claim(compared.get(name), adjusted.get(name), of_a[name]["better"]),
        )
        for name in common
    )
    return RunPair(
        runs=names,
        passed=(bool(evaluations[0]["passed"]), bool(evaluations[1]["passed"])),
        same_data=same_data,
        metrics=metrics,
        warnings=tuple(_warnings(metrics)),
        settings=_differing(evaluations, "settings"),
        versions=_differing(evaluations, "versions"),
        usd=(_part(evaluations[0], "cost").get("usd"), _part(evaluations[1], "cost").get("usd")),
    )


def _shared(a: _Items, b: _Items, *, same_data: bool) -> list[str]:
    """The ids of what both runs measured, in A's order; none where the names only happen to meet."""
    common = [name for name in a if name in b and a[name].size == b[name].size]
    if same_data:
        return common
    agreeing = [
        name
        for name in common
        if math.isclose(a[name].base, b[name].base, rel_tol=SAME_BASE, abs_tol=SAME_BASE)
    ]
    return agreeing if len(agreeing) > MOST_AGREE * len(common) else []


def _compared(a: _Items, b: _Items, shared: Sequence[str], metric: Mapping[str, Any]) -> Comparison:
    from training.evaluation import statistics

    return statistics.compare(
        [a[name].tuned for name in shared],
        [b[name].tuned for name in shared],
        [a[name].size for name in shared],
        lower_is_better=metric["better"] == "lower",
        bounded=metric["unit"] != BITS,
        seed=SEED,
    )


def _claim(comparison: Comparison | None, p_adjusted: float | None, better: str) -> dict[str, Any]:
    """The claim that the interval, and for one of many metrics also the corrected p-value, allows."""
    from training.evaluation.statistics import FEWEST_DOCUMENTS, SIGNIFICANCE

    if comparison is None:
        return {}
    low, high = comparison.interval
    shown = (low > 0 or high < 0) and comparison.items >= FEWEST_DOCUMENTS
    shown = shown and (p_adjusted is None or p_adjusted < SIGNIFICANCE)
    winner = "B better" if (comparison.difference < 0) == (better == "lower") else "A better"
    return {
        "difference": comparison.difference,
        # of a single item nothing is known about the spread; JSON has no infinity
        "interval": comparison.interval if math.isfinite(high) else None,
        "p_adjusted": p_adjusted,
        "finding": winner if shown else "no difference shown",
    }


def _warnings(metrics: Sequence[MetricPair]) -> Iterator[str]:
    for metric in metrics:
        if not metric.shared:
            yield (
                f"{metric.title}: the runs share no items, so the two figures are of different things"
                " and no difference is claimed."
            )
        elif metric.shared < max(metric.of_a, metric.of_b):
            yield (
                f"{metric.title}: compared on the {metric.shared} items that both runs measured"
                f" (A has {metric.of_a}, B {metric.of_b})."
            )


def _items(evaluation: Mapping[str, Any], metric: str) -> dict[str, _Item]:
    found = _part(_part(evaluation, "items"), metric)
    ids = found.get("ids", [])
    sizes = found.get("sizes") or [1.0] * len(ids)
    values = zip(ids, found.get("base", []), found.get("tuned", []), sizes, strict=True)
    return {name: _Item(base, tuned, size) for name, base, tuned, size in values}


def _differing(evaluations: Sequence[Mapping[str, Any]], part: str) -> dict[str, tuple[Any, Any]]:
    a, b = (_part(evaluation, part) for evaluation in evaluations)
    return {name: (a.get(name), b.get(name)) for name in {**a, **b} if a.get(name) != b.get(name)}


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}
