"""One paired comparison for each metric, base against tuned, corrected for their number (Holm)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from training.evaluation.asks import Answers
from training.evaluation.contamination import Overlaps
from training.evaluation.metrics.base import (
    BITS,
    CONTROL,
    GUARD,
    LOWER,
    PRIMARY,
    SECONDARY,
    Item,
    Items,
    Metric,
)
from training.evaluation.statistics import SIGNIFICANCE, Comparison, compare, holm

#: With one item it cannot be said how far its result may be chance.
FEWEST_ITEMS = 2
BETTER, WORSE, UNDECIDED = "better", "worse", "no difference shown"


@dataclass(frozen=True, slots=True)
class Values:
    """The values of both models for the same items. ``sizes`` are the items' weights; items of one of the
    ``groups`` belong together ("" = an item stands for itself)."""

    ids: tuple[str, ...]
    base: tuple[float, ...]
    tuned: tuple[float, ...]
    sizes: tuple[float, ...]
    groups: tuple[str, ...] = ()

    def compare(self, *, lower_is_better: bool, bounded: bool, seed: int) -> Comparison:
        """Base against tuned; ``bounded`` values lie between 0 and 1."""
        return compare(
            self.base,
            self.tuned,
            self.sizes,
            lower_is_better=lower_is_better,
            bounded=bounded,
            seed=seed,
            groups=[group or (name,) for group, name in zip(self.groups, self.ids, strict=True)]
            if self.groups
            else None,
        )

    def only(self, positions: Iterable[int]) -> "Values":
        """The values of some items."""
        rows = list(zip(self.ids, self.base, self.tuned, self.sizes, self.groups or self.ids, strict=True))
        ids, base, tuned, sizes, groups = zip(*(rows[place] for place in positions), strict=True)
        return Values(ids, base, tuned, sizes, groups if self.groups else ())


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric, or one task of the primary metric (``name`` is the task then). ``p_adjusted`` is None for
    the metrics that decide."""

    name: str
    lower_is_better: bool
    values: Values
    comparison: Comparison
    p_adjusted: float | None = None

    @property
    def finding(self) -> str:
        """BETTER or WORSE where the (corrected) p-value says so."""
        p_value = self.comparison.p_value if self.p_adjusted is None else self.p_adjusted
        if p_value >= SIGNIFICANCE or self.comparison.difference == 0:
            return UNDECIDED
        return BETTER if (self.comparison.difference < 0) is self.lower_is_better else WORSE


@dataclass(frozen=True, slots=True)
class Outcome:
    """All comparisons: of metrics, and of the primary for each task. ``missing`` says why others are none.

    ``of``: the metrics that were asked for, with their ``items`` and the ``answers`` of "base" and "tuned".
    """

    metrics: dict[str, Compared]
    tasks: list[Compared]
    missing: dict[str, str]
    of: Sequence[Metric]
    items: Mapping[str, Items]
    answers: Mapping[str, Answers]

    def kept(self, metric: Metric) -> list[Item]:
        """The items of a metric that were compared."""
        ids = set(self.metrics[metric.name].values.ids)
        return [item for item in self.items[metric.name].asked if item.id in ids]


def compare_all(
    metrics: Sequence[Metric],
    items: Mapping[str, Items],
    base: Answers,
    tuned: Answers,
    *,
    overlaps: Overlaps,
    tasks: Sequence[str],
    seed: int,
) -> Outcome:
    """Compare every metric on the items that do not overlap with the training text.

    ``tasks`` names each held-out document's task; secondary metrics and tasks are corrected together.
    """
    compared: dict[str, Compared] = {}
    missing: dict[str, str] = {}
    parts: list[Compared] = []
    for metric in metrics:
        asked = items[metric.name].asked
        excluded: Container[str] = overlaps.items
        if metric.role in (PRIMARY, CONTROL):
            excluded = overlaps.documents
        result = _compared(metric, asked, base, tuned, excluded, seed)
        if result is None:
            missing[metric.name] = _reason(items[metric.name])
            continue
        compared[metric.name] = result
        if metric.role == PRIMARY and len(set(tasks)) > 1:
            parts = _by_task(result, dict(zip((item.id for item in asked), tasks, strict=True)), seed)
    family = [
        compared[metric.name] for metric in metrics if metric.name in compared and metric.role == SECONDARY
    ]
    adjusted = holm([result.comparison.p_value for result in [*family, *parts]])
    corrected = [replace(result, p_adjusted=p) for result, p in zip([*family, *parts], adjusted, strict=True)]
    compared |= {result.name: result for result in corrected[: len(family)]}
    answers = {"base": base, "tuned": tuned}
    return Outcome(compared, corrected[len(family) :], missing, metrics, items, answers)


def _compared(
    metric: Metric, asked: Sequence[Item], base: Answers, tuned: Answers, excluded: Container[str], seed: int
) -> Compared | None:
    pairs = zip(asked, metric.values(asked, base), metric.values(asked, tuned), strict=True)
    every = [
        (item, before, after) for item, before, after in pairs if before is not None and after is not None
    ]
    clean = [entry for entry in every if entry[0].id not in excluded]
    used = clean
    if len(clean) < FEWEST_ITEMS and metric.role in (PRIMARY, GUARD):
        used = every  # the contract wants figures; `items` 0 says that none of them counts
    if len(used) < FEWEST_ITEMS:
        return None
    rows = ((item.id, before, after, item.size, item.group) for item, before, after in used)
    ids, befores, afters, sizes, groups = zip(*rows, strict=True)
    values = Values(ids, befores, afters, sizes, groups if any(groups) else ())
    lower = metric.better == LOWER
    bounded = metric.unit != BITS and all(0 <= value <= 1 for value in (*values.base, *values.tuned))
    comparison = replace(values.compare(lower_is_better=lower, bounded=bounded, seed=seed), items=len(clean))
    return Compared(metric.name, lower, values, comparison)


def _by_task(primary: Compared, tasks: Mapping[str, str], seed: int) -> list[Compared]:
    parts, lower = [], primary.lower_is_better
    for task in sorted({tasks[name] for name in primary.values.ids}):
        mine = [place for place, name in enumerate(primary.values.ids) if tasks[name] == task]
        if len(mine) >= FEWEST_ITEMS:
            values = primary.values.only(mine)
            part = values.compare(lower_is_better=lower, bounded=False, seed=seed)
            parts.append(Compared(task, lower, values, part))
    return parts


def _reason(items: Items) -> str:
    if not items.available:
        return "the dataset has no such items"
    if not items.asked:
        return "evaluation_items is 0"
    return items.unmeasured or f"fewer than {FEWEST_ITEMS} of {len(items.asked)} items could be compared"
