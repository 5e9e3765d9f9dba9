"""Paired comparison of two models over the same documents or items, with groups that belong together.

NumPy only, so that programs that read evaluations later can compare in the same way.
"""

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from core.dataset.power import (
    ALL_GAINED,
    FEWEST_DOCUMENTS,
    SKEWNESS,
    SKEWNESS_OF_GROUPS,
    TOWARDS_GAINS,
    equal_parts,
    t_quantile,
    wider,
)
from core.dataset.split import FEWEST_GROUPS

CONFIDENCE = 0.95
SIGNIFICANCE = 1 - CONFIDENCE
RESAMPLES = 4000
#: Up to this many groups all choices of signs are counted instead of a sample of them.
MOST_ENUMERATED = 12
#: Half the width of a 95 % interval times (1.96 + 0.84) / 1.96 is what would be found four times in five.
DETECTABLE = 2.8016 / 1.96
#: Intervals of bounded values over groups are wider by this: resampling few groups of uneven size gives too
#: narrow ones.
GROUPS_WIDER = 1.25
_BLOCK_ELEMENTS = 4_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Base against tuned. ``difference`` is tuned − base, ``interval`` its 95 %; both in the metric's unit.

    Attributes:
        win_rate: share of items on which the tuned model is better; ties count half.
        effect_size: Cohen's d_z, the mean paired difference over its standard deviation, each item counted
            once; None where all differences are equal.
        p_value: two-sided, see `sign_flip_p_value`.
        items: the number of items that were compared.
        groups: the number of groups that they belong to; None = each item stands for itself.
    """

    base: float
    tuned: float
    difference: float
    interval: tuple[float, float]
    win_rate: float
    effect_size: float | None
    p_value: float
    items: int
    groups: int | None = None

    @property
    def units(self) -> int:
        """The number of independent units: groups, or items without groups."""
        return self.items if self.groups is None else min(self.items, self.groups)

    @property
    def enough(self) -> bool:
        """Whether there are enough independent units to judge by."""
        return self.units >= (FEWEST_DOCUMENTS if self.groups is None else FEWEST_GROUPS)

    @property
    def detectable(self) -> float:
        """The smallest true change that a test like this one finds four times in five."""
        return (self.interval[1] - self.interval[0]) / 2 * DETECTABLE


def compare(
    base: Sequence[float],
    tuned: Sequence[float],
    sizes: Sequence[float] | None = None,
    *,
    lower_is_better: bool,
    seed: int,
    bounded: bool = False,
    groups: Sequence[Hashable] | None = None,
) -> Comparison:
    """Compare values of the same items (at least one) in the same order.

    Args:
        sizes: the items' weights; None = all weigh the same.
        bounded: values lie between 0 and 1, so none can be an outlier.
        groups: the group of each item; items of one group are resampled together, because their changes are
            correlated (E. Miller, "Adding Error Bars to Evals", 2024, section 2.2). None = no groups.
    """
    before, after = np.asarray(base, dtype=np.float64), np.asarray(tuned, dtype=np.float64)
    weights = np.ones_like(before) if sizes is None else np.asarray(sizes, dtype=np.float64)
    changes = after - before
    wins = changes < 0 if lower_is_better else changes > 0
    mean_before, mean_after = (float((side * weights).sum() / weights.sum()) for side in (before, after))
    members = None if groups is None or len(set(groups)) == len(changes) else _numbered(groups)
    sums, totals = _by_group(changes * weights, members), _by_group(weights, members)
    if bounded and _binary(before, after, weights):
        interval = _binary_interval(changes, members)
    else:
        interval = bootstrap_interval(sums, totals, seed=seed, bounded=bounded)
        middle = float(sums.sum() / totals.sum())
        if bounded:
            more = 1.0 if members is None else GROUPS_WIDER
        else:
            losses = (sums - middle * totals) * (1 if lower_is_better else -1)
            skewness = allowed_skewness(losses) if members is None else SKEWNESS_OF_GROUPS
            if len(wins) >= ALL_GAINED and wins.all():
                skewness = 0.0
            more = wider(equal_parts(totals.tolist()), skewness)
        interval = (middle + (interval[0] - middle) * more, middle + (interval[1] - middle) * more)
    return Comparison(
        base=mean_before,
        tuned=mean_after,
        difference=mean_after - mean_before,
        interval=interval,
        win_rate=float(wins.mean() + 0.5 * (changes == 0).mean()),
        effect_size=effect_size(changes),
        p_value=sign_flip_p_value(sums, seed=seed),
        items=len(changes),
        groups=None if members is None else len(sums),
    )


def allowed_skewness(losses: np.ndarray) -> float:
    """The skewness to allow for, by changes about their mean, float64 [items], higher = worse: less than
    SKEWNESS where they are skewed towards gains."""
    spread = float(losses.std())
    own = float((losses**3).mean()) / spread**3 if spread > 1e-12 else 0.0
    return max(0.0, SKEWNESS + TOWARDS_GAINS * min(own, 0.0))


def _numbered(groups: Sequence[Hashable]) -> np.ndarray:
    """Groups as numbers from 0: int64 [items]."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups])


def _by_group(values: np.ndarray, members: np.ndarray | None) -> np.ndarray:
    """The sum of ``values`` in each group, float64 [groups]."""
    return values if members is None else np.bincount(members, values)


def _binary(before: np.ndarray, after: np.ndarray, weights: np.ndarray) -> bool:
    """Whether all values are 0 or 1 and weigh the same."""
    both = np.concatenate([before, after])
    return bool(((both == 0) | (both == 1)).all() and (weights == weights[0]).all())


def _binary_interval(changes: np.ndarray, members: np.ndarray | None) -> tuple[float, float]:
    """95 % interval of a change of right answers; with groups, of as many items as the groups are worth."""
    count = len(changes)
    gained, lost = float((changes > 0).sum()), float((changes < 0).sum())
    if members is None:
        return tango_interval(gained, lost, count)
    residuals = changes - changes.mean()
    sums = np.bincount(members, residuals)
    groups = len(sums)
    alone = float((residuals**2).sum()) * count / (count - 1)
    effect = float((sums**2).sum()) * groups / (groups - 1) / alone if alone > 0 and groups > 1 else 1.0
    effect = max(effect, 1.0)  # the design effect of L. Kish, "Survey Sampling", 1965
    return tango_interval(
        gained / effect, lost / effect, count / effect, deviations=t_quantile(max(groups - 1, 1))
    )


def tango_interval(
    gained: float, lost: float, count: float, *, deviations: float | None = None
) -> tuple[float, float]:
    """95 % score interval of (gained − lost) / count, where ``gained`` of ``count`` paired answers became
    right and ``lost`` became wrong.

    T. Tango, "Equivalence Test and Confidence Interval for the Difference in Proportions for the
    Paired-Sample Design", Statistics in Medicine 17 (1998). It keeps its level for few changed answers, and
    its width is not zero where none changed. ``deviations``: standard deviations on each side (None = 1.96).
    """
    wanted = t_quantile(None) if deviations is None else deviations

    def score(change: float) -> float:
        a = 2 * count
        b = -gained - lost + (2 * count - gained + lost) * change
        c = -lost * change * (1 - change)
        share = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        spread = math.sqrt(max(count * (2 * share + change * (1 - change)), 1e-300))
        return (gained - lost - count * change) / spread

    def root(target: float, low: float, high: float) -> float:
        for _ in range(60):  # the score falls as the change grows
            middle = (low + high) / 2
            low, high = (middle, high) if score(middle) > target else (low, middle)
        return (low + high) / 2

    estimate = (gained - lost) / count
    return root(wanted, -1.0, estimate), root(-wanted, estimate, 1.0)


def effect_size(changes: np.ndarray) -> float | None:
    """Cohen's d_z of paired differences, float64 [items]; None if they do not differ among each other.

    J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, 2.3.5.
    """
    spread = float(changes.std(ddof=1)) if len(changes) > 1 else 0.0
    return float(changes.mean()) / spread if spread > 1e-12 else None


def bootstrap_interval(
    changes: np.ndarray, sizes: np.ndarray, *, seed: int, bounded: bool = False
) -> tuple[float, float]:
    """95 % interval of sum(changes) / sum(sizes) over items, float64 [items] both.

    Percentile bootstrap over items, widened about the estimate by t(k−1)/z · √(k/(k−1)), because
    percentiles alone are too narrow for few items (T. Hesterberg, "What Teachers Should Know About the
    Bootstrap", 2015); k is the `effective_count`, for few long documents among many are few.
    """
    count = len(changes)
    estimate = float(changes.sum() / sizes.sum())
    if count < 2:
        return (-math.inf, math.inf)
    random = np.random.default_rng(seed)
    ratios = np.empty(RESAMPLES)
    for start, stop in _blocks(count):
        chosen = random.integers(0, count, size=(stop - start, count))
        ratios[start:stop] = changes[chosen].sum(1) / sizes[chosen].sum(1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    effective = effective_count(changes - estimate * sizes, sizes, bounded=bounded)
    widening = (
        t_quantile(math.floor(effective) - 1) / t_quantile(None) * math.sqrt(effective / (effective - 1))
    )
    return (estimate + (float(low) - estimate) * widening, estimate + (float(high) - estimate) * widening)


def effective_count(residuals: np.ndarray, sizes: np.ndarray, *, bounded: bool = False) -> float:
    """How many equal, well-behaved items would tell as much of the spread: from 2 to their number (≥ 2).

    ``residuals`` are changes less estimate × size, float64 [items] as ``sizes``. The least of: the number of
    items; (Σs)²/Σs² (L. Kish, "Survey Sampling", 1965), small where few long documents hold most bytes; and
    the degrees of freedom of a variance whose items have kurtosis κ, 2n/(κ−1), small where few outliers do
    most of the moving (F. Satterthwaite, 1946, by the variance of a sample variance). The last is not asked
    of ``bounded`` values: of answers that are right or wrong, the few that changed are no outliers.
    """
    count = len(residuals)
    by_sizes = equal_parts(sizes.tolist())
    squares = residuals**2 / max(float((residuals**2).mean()), np.finfo(np.float64).tiny)
    excess = float((squares**2).mean()) - 1  # of kurtosis over 1, its least
    by_tails = 2 * count / excess if excess > 0 and not bounded else math.inf
    # A sum of rounded figures may fall just short of a whole number.
    return max(min(float(count), by_sizes + 1e-9, by_tails), 2.0)


def interval_between(first: Comparison, second: Comparison) -> tuple[float, float]:
    """95 % interval of the second's difference less the first's, which are of independent items.

    From their own intervals, which need not be symmetric: G. Zou and A. Donner, "Construction of Confidence
    Limits About Effect Measures", Statistics in Medicine 27 (2008).
    """
    between = second.difference - first.difference
    return (
        between - math.hypot(second.difference - second.interval[0], first.interval[1] - first.difference),
        between + math.hypot(second.interval[1] - second.difference, first.difference - first.interval[0]),
    )


def sign_flip_p_value(changes: np.ndarray, *, seed: int) -> float:
    """Two-sided p-value of "base and tuned are exchangeable on each item", changes float64 [items].

    Randomization test (E. Pitman, 1937): how often a random choice of the changes' signs gives a sum as far
    from zero. The observed signs count as one of the choices, so no p-value is 0. For at most
    MOST_ENUMERATED changes every choice is counted.
    """
    observed = abs(float(changes.sum())) - 1e-9 * float(np.abs(changes).sum())
    if len(changes) <= MOST_ENUMERATED:
        return float((np.abs(_all_signs(len(changes)) @ changes) >= observed).mean())
    random = np.random.default_rng(seed)
    extreme = 0
    for start, stop in _blocks(len(changes)):
        signs = random.integers(0, 2, size=(stop - start, len(changes)), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ changes) >= observed).sum())
    return (extreme + 1) / (RESAMPLES + 1)


@cache
def _all_signs(count: int) -> np.ndarray:
    """Every choice of signs, float64 [2**count, count]."""
    return np.array(list(itertools.product((-1.0, 1.0), repeat=count)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in their order, each at most 1.

    S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979: where those below 5 % count as
    findings, the chance of any false one stays below 5 %.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _blocks(count: int) -> list[tuple[int, int]]:
    """Ranges of resamples, each of bounded size in memory."""
    block = max(1, min(RESAMPLES, _BLOCK_ELEMENTS // count))
    return [(start, min(start + block, RESAMPLES)) for start in range(0, RESAMPLES, block)]


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p value of McNemar's test (Psychometrika 1947), from the questions that differ."""
    total = wins + losses
    if not total:
        return 1.0
    tail: float = sum(math.comb(total, k) for k in range(min(wins, losses) + 1)) / 2**total
    return min(1.0, 2 * tail)
