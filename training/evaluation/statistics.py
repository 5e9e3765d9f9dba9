"""Paired comparison of two models over the same documents, with an interval honest about small samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.scoring import Score, total_bits_per_byte

CONFIDENCE = 0.95
RESAMPLES = 4000
#: With fewer, even "all documents got better" is chance too often: 2^-6 < 2.5 % < 2^-5.
FEWEST_DOCUMENTS = 6
_BLOCK_ELEMENTS = 4_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Base against tuned; all in bits a byte, lower is better. ``difference`` = tuned − base, ``interval``
    its 95 %.

    ``win_rate``: share of documents that the tuned model predicts better, ties counted half.
    """

    base: float
    tuned: float
    difference: float
    interval: tuple[float, float]
    win_rate: float
    documents: int

    @property
    def improved(self) -> bool:
        """Whether the whole interval lies below zero, on documents enough to say so."""
        return self.documents >= FEWEST_DOCUMENTS and self.interval[1] < 0


def compare(base: Sequence[Score], tuned: Sequence[Score], *, seed: int) -> Comparison:
    """Compare scores of the same documents in the same order (at least one)."""
    sizes = np.array([score.bytes for score in base], dtype=np.float64)
    changes = np.array([t.bits - b.bits for b, t in zip(base, tuned, strict=True)])
    before, after = total_bits_per_byte(base), total_bits_per_byte(tuned)
    wins = (changes < 0).mean() + 0.5 * (changes == 0).mean()
    return Comparison(
        base=before,
        tuned=after,
        difference=after - before,
        interval=bootstrap_interval(changes, sizes, seed=seed),
        win_rate=float(wins),
        documents=len(sizes),
    )


def bootstrap_interval(changes: np.ndarray, sizes: np.ndarray, *, seed: int) -> tuple[float, float]:
    """95 % interval of sum(changes) / sum(sizes) over documents, float64 [documents] both.

    Percentile bootstrap over documents, widened about the estimate by t(n−1)/z · √(n/(n−1)), because
    percentiles alone are too narrow for few documents (T. Hesterberg, "What Teachers Should Know About the
    Bootstrap", 2015).
    """
    count = len(changes)
    estimate = float(changes.sum() / sizes.sum())
    if count < 2:
        return (-math.inf, math.inf)
    random = np.random.default_rng(seed)
    ratios = np.empty(RESAMPLES)
    block = max(1, min(RESAMPLES, _BLOCK_ELEMENTS // count))
    for start in range(0, RESAMPLES, block):
        chosen = random.integers(0, count, size=(min(block, RESAMPLES - start), count))
        ratios[start : start + block] = changes[chosen].sum(1) / sizes[chosen].sum(1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    widening = t_quantile(count - 1) / t_quantile(None) * math.sqrt(count / (count - 1))
    return (estimate + (float(low) - estimate) * widening, estimate + (float(high) - estimate) * widening)


def t_quantile(degrees: int | None) -> float:
    """The 97.5 % quantile of Student's t with ``degrees`` ≥ 1 of freedom; None = the normal distribution.

    Exact for 1 and 2; beyond, the Cornish-Fisher expansion (Abramowitz & Stegun 26.7.5), within 0.5 % from
    3 on.
    """
    z = 1.959963984540054
    if degrees is None:
        return z
    if degrees == 1:
        return math.tan(math.pi * (CONFIDENCE / 2))
    if degrees == 2:
        return CONFIDENCE * math.sqrt(2 / (1 - CONFIDENCE**2))
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees ** (power + 1)) for power, term in enumerate(terms))
