"""Simulated runs of bench/evaluation_honesty.py, most of them without any effect, put through the gate."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from training.evaluation.gate import PromptEvidence, judge
from training.evaluation.statistics import Comparison, compare

HELD_OUT, GENERAL = "held_out_bits_per_byte", "general_bits_per_byte"
MAX_FORGETTING = 0.03
#: The rules that do not look at general text.
OWN_RULES = ("held_out_text", "large_enough", "enough_documents", "follows_prompts")
#: Of documents in the shipped sample's held-out side, what a first run is judged on.
DEFAULT_DOCUMENTS = 32
#: Looks at the watched half from which early stopping chooses.
LOOKS = (5, 20)
#: Standard deviation of the logarithm of a document's size.
SIZES = 0.7
#: Of the changes of `independent`, in bits a byte; those of the real run have 0.30.
SPREAD = 0.32
#: Random numbers of each cell begin here, so that a cell can be repeated alone.
SEED = 20261124


@dataclass(frozen=True)
class Differences:
    """Of one run's items: bits a byte before, their change (tuned − base), sizes in bytes; each [items]."""

    base: np.ndarray
    change: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, items: Mapping[str, Any]) -> Differences:
        """Those of a metric's items in evaluation.json."""
        base, tuned = np.array(items["base"]), np.array(items["tuned"])
        return cls(base, tuned - base, np.array(items["sizes"]))

    @property
    def centred(self) -> np.ndarray:
        """The changes less their mean, weighted by size."""
        return self.change - (self.change * self.sizes).sum() / self.sizes.sum()

    @property
    def mean_base(self) -> float:
        """Bits a byte of all items together."""
        return float((self.base * self.sizes).sum() / self.sizes.sum())


@dataclass(frozen=True)
class Cell:
    """Documents in groups whose changes correlate; with `groups` None each stands for itself."""

    documents: int
    groups: int | None = None
    correlation: float = 0.0

    @property
    def members(self) -> np.ndarray:
        """The group of each document, int64 [documents]."""
        return np.arange(self.documents) % (self.groups or self.documents)


ALONE = tuple(map(Cell, (6, 12, 32, 100)))
CLUSTERED = tuple(
    Cell(*each)
    for each in ((32, 8, 0.1), (32, 8, 0.3), (32, 8, 0.5), (100, 10, 0.3), (100, 10, 0.5), (64, 16, 0.5))
)
#: The cells that are repeated with changes of other kinds, and those with changes chosen for nothing.
ELSEWHERE = (
    *map(Cell, (6, 8, 12, 32, 100)),
    *(Cell(*each) for each in ((32, 8, 0.5), (100, 10, 0.5), (60, 12, 0.5), (100, 20, 0.5))),
)
INDEPENDENT = (*map(Cell, (8, 12, 32)), Cell(32, 8, 0.5), Cell(60, 12, 0.5))

Draw = Callable[[np.random.Generator, Differences, np.ndarray], np.ndarray]


def exchangeable(dice: np.random.Generator, pool: Differences, chosen: np.ndarray) -> np.ndarray:
    """Changes of the chosen items, each with a random sign."""
    return pool.change[chosen] * dice.choice([-1.0, 1.0], len(chosen))


def centred(dice: np.random.Generator, pool: Differences, chosen: np.ndarray) -> np.ndarray:
    """Changes as they were, without their mean."""
    return pool.centred[chosen]


def mirrored(dice: np.random.Generator, pool: Differences, chosen: np.ndarray) -> np.ndarray:
    """The same, turned round."""
    return -pool.centred[chosen]


#: What a run is judged by; None = it cannot pass.
Evidence = tuple[Comparison, PromptEvidence | None] | None
Run = Callable[[np.random.Generator], Evidence]


def compared(
    dice: np.random.Generator,
    base: np.ndarray,
    change: np.ndarray,
    sizes: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    lower_is_better: bool = True,
) -> Comparison | None:
    """The product's comparison; None where the mean is no standard error better, to save time: the gate's
    interval is at least 1.5 standard errors wide on each side, so such a run cannot pass."""
    members = np.arange(len(base)) if groups is None else groups
    sums, totals = np.bincount(members, change * sizes), np.bincount(members, sizes)
    mean = sums.sum() / totals.sum()
    error = math.sqrt(((sums - mean * totals) ** 2).sum()) / totals.sum()
    if (-mean if lower_is_better else mean) < error:
        return None
    return compare(
        base.tolist(),
        (base + change).tolist(),
        sizes.tolist(),
        lower_is_better=lower_is_better,
        seed=int(dice.integers(1 << 31)),
        groups=None if groups is None else groups.tolist(),
    )


def simulated(
    dice: np.random.Generator, pool: Differences, cell: Cell, draw: Draw = centred, effect: float = 0.0
) -> Evidence:
    """Items drawn from the pool with replacement, with a true change of `effect` (bits a byte)."""
    chosen = dice.integers(0, len(pool.sizes), cell.documents)
    change = draw(dice, pool, chosen)
    if cell.groups:
        shared = draw(dice, pool, dice.integers(0, len(pool.sizes), cell.groups))[cell.members]
        change = math.sqrt(cell.correlation) * shared + math.sqrt(1 - cell.correlation) * change
    groups = cell.members if cell.groups else None
    primary = compared(dice, pool.base[chosen], change + effect, pool.sizes[chosen], groups=groups)
    return None if primary is None else (primary, None)


def early_stopped(dice: np.random.Generator, pool: Differences, looks: int) -> Evidence:
    """Without effect, the best of `looks` checkpoints on half of 2 × 32 documents is judged on the other
    half; the changes of two looks correlate by 0.5."""
    count = DEFAULT_DOCUMENTS
    chosen = dice.integers(0, len(pool.sizes), 2 * count)
    sizes, base = pool.sizes[chosen], pool.base[chosen]
    shared = exchangeable(dice, pool, dice.permutation(chosen))
    own = np.stack([exchangeable(dice, pool, dice.permutation(chosen)) for _ in range(looks)])
    changes = (shared + own) / math.sqrt(2)
    kept = changes[np.argmin((changes[:, :count] * sizes[:count]).sum(1))]
    primary = compared(dice, base[count:], kept[count:], sizes[count:])
    return None if primary is None else (primary, None)


def shuffled(dice: np.random.Generator, pool: Differences, documents: int) -> Evidence:
    """Only the form of the answers is learnt, so every document gains; what the right prompt adds is
    exchangeable."""
    added = exchangeable(dice, pool, dice.integers(0, len(pool.sizes), documents))
    gain = compared(dice, np.zeros(documents), added, np.ones(documents), lower_is_better=False)
    found = None if gain is None else simulated(dice, pool, Cell(documents), effect=-0.4 * pool.mean_base)
    return None if found is None else (found[0], PromptEvidence(gain, gain))


def accepted(
    dice: np.random.Generator, general: Differences, primary: Comparison, prompts: PromptEvidence | None
) -> bool:
    """Whether the gate accepts a run; general text, unchanged, is drawn only where it counts."""
    alone = judge(primary, primary, MAX_FORGETTING, prompts=prompts)
    if not all(rule.passed for rule in alone if rule.name in OWN_RULES):
        return False
    chosen = dice.integers(0, len(general.sizes), len(general.sizes))
    base, change = general.base[chosen], exchangeable(dice, general, chosen)
    sides = base.tolist(), (base + change).tolist(), general.sizes[chosen].tolist()
    guard = compare(*sides, lower_is_better=True, seed=int(dice.integers(1 << 31)))
    return all(rule.passed for rule in judge(primary, guard, MAX_FORGETTING, prompts=prompts))


def passes(run: Run, general: Differences, runs: int) -> tuple[int, int]:
    """How often the interval lay below zero, and how often the whole gate passed; general text unchanged."""
    dice = np.random.default_rng(SEED)
    below = passed = 0
    for _ in range(runs):
        if found := run(dice):
            below += found[0].interval[1] < 0
            passed += accepted(dice, general, *found)
    return below, passed


def upper_bound(hits: int, runs: int, confidence: float = 0.95) -> float:
    """The one-sided upper bound of a rate by Clopper and Pearson (1934)."""
    low, high = hits / runs, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        at_most = sum(math.comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(hits + 1))
        low, high = (rate, high) if at_most > 1 - confidence else (low, rate)
    return high


def row(name: str, run: Run, general: Differences, runs: int, **cell: Any) -> dict[str, Any]:
    """One cell of the results: rates of false passes, with the gate's upper bound."""
    below, passed = passes(run, general, runs)
    rates = {
        "interval_below_zero": round(below / runs, 4),
        "gate_passed": round(passed / runs, 4),
        "gate_passed_at_most": round(upper_bound(passed, runs), 4),
        "runs": runs,
    }
    print(name, json.dumps(cell | rates), flush=True)
    return cell | rates


def of_pool(
    pool: Differences, general: Differences, runs: int, cells: Sequence[Cell], draw: Draw = centred
) -> list[dict[str, Any]]:
    """Rates of false passes by number of documents and groups, and correlation within a group."""
    return [
        row(draw.__name__, partial(simulated, pool=pool, cell=cell, draw=draw), general, runs, **vars(cell))
        for cell in cells
    ]


def false_passes(pool: Differences, general: Differences, runs: int) -> dict[str, Any]:
    """By kind of null: rates of false passes, of the real run's changes."""
    table: dict[str, Any] = {
        draw.__name__: of_pool(pool, general, runs, ALONE, draw) for draw in (exchangeable, centred, mirrored)
    }
    table |= {
        f"{draw.__name__}_in_groups": of_pool(pool, general, runs, CLUSTERED, draw)
        for draw in (centred, mirrored)
    }
    table["early_stopped"] = [
        row("early_stopped", partial(early_stopped, pool=pool, looks=looks), general, runs, looks=looks)
        for looks in LOOKS
    ]
    table["shuffled"] = [
        row("shuffled", partial(shuffled, pool=pool, documents=n), general, runs, documents=n)
        for n in (cell.documents for cell in ALONE)
    ]
    return table


def like_reports(changes: Mapping[str, np.ndarray], dice: np.random.Generator) -> dict[str, Differences]:
    """Pools of these changes, of documents whose bits and sizes are spread as those of reports."""
    count = len(next(iter(changes.values())))
    base = 2.6 * np.exp(0.1 * dice.standard_normal(count))
    sizes = dice.lognormal(7, SIZES, count)
    return {name: Differences(base, change, sizes) for name, change in changes.items()}


def elsewhere() -> dict[str, Differences]:
    """Pools of 500 changes that are normal, of heavy tails, and log-normal; `skewed`: few documents lose
    much. On the skewed ones the gate's constants were chosen."""
    dice = np.random.default_rng(SEED)
    losses = dice.lognormal(0, 1, 500)
    changes = {"normal": dice.standard_normal(500), "heavy_tails": dice.standard_t(3, 500)}
    changes |= {"skewed": losses - losses.mean(), "skewed_other_way": losses.mean() - losses}
    return like_reports({name: 0.15 * change for name, change in changes.items()}, dice)


def independent() -> dict[str, Differences]:
    """Pools of 20,000 changes on which nothing was chosen, of mean zero and the spread of the log-normal
    ones, which are drawn anew. `rare_…`: small normal changes, and a large loss with this probability."""
    dice, count = np.random.default_rng((SEED, 2)), 20_000
    losses = {"log_normal": dice.lognormal(0, 1, count)}
    losses |= {f"weibull_{shape}": dice.weibull(shape, count) for shape in (0.7, 0.5)}
    losses |= {f"pareto_{index}": dice.pareto(index, count) for index in (3.5, 2.5)}
    for share in (0.2, 0.1, 0.05, 0.02):
        losses[f"rare_{share}"] = (dice.random(count) < share) + 0.1 * dice.standard_normal(count)
    return like_reports(
        {name: SPREAD * (each - each.mean()) / each.std() for name, each in losses.items()}, dice
    )
