"""The smallest gain that a dataset could show, before anything is trained.

The gate accepts a gain whose whole interval lies beyond LEAST_GAIN (training/evaluation/gate.py). How wide
the interval is depends on the held-out documents, on the groups that they come in, and on how much the gain
differs between documents. The last is not known before a training, so it is assumed and said.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.dataset.split import FEWEST_GROUPS, document_groups

#: With fewer, even "all documents got better" is chance too often: 2^-6 < 2.5 % < 2^-5.
FEWEST_DOCUMENTS = 6
#: Share of the base's bits that must at least be saved. Less than one per cent comes to a small base from any
#: text of the same language.
LEAST_GAIN = 0.01
#: The skewness that changes may have without a false pass: most documents gain a little and rare ones lose
#: much. Few documents cannot show it, so it is assumed: for a document that stands for itself, and for a
#: group, in which it averages out. Log-normal changes have 6.2, groups of them with a correlation of 0.5 have
#: 4.2 to 4.7. With these values fewer than 2.5 % of such runs without effect pass (bench/README.md).
SKEWNESS, SKEWNESS_OF_GROUPS = 6.0, 4.0
#: Documents that are skewed towards gains, as those of real runs are, make it smaller by their own skewness
#: times this; so skewed are hardly any without the rare losses.
TOWARDS_GAINS = 4.0
#: Where this many documents were held out and all gained, nothing is allowed for: fewer than a fifth of such
#: documents lose (0.8^17 < 2.5 %). At a mean of zero a quarter or more do, unless losses are rarer still.
ALL_GAINED = 17
#: Assumed standard deviations of the gain between documents, as shares of the base's bits: a low one, the one
#: that counts, and a high one. For Llama 2 7B none was measured.
SPREADS = (0.01, 0.02, 0.03)
#: Assumed correlation of the gains of two documents of one group; 0.04 to 0.47 were measured.
CORRELATION = 0.3
#: Gains beyond this are not to be counted on. JumpStart's public log has 9 % for Llama 2 7B on a course's
#: text (perplexity 14.06 → 11.08); text that is nearer to what the base knows gains less.
LARGE_GAIN = 0.05
#: Of the standard normal distribution: what four in five runs stay below.
_FOUR_IN_FIVE = 0.8416


@dataclass(frozen=True, slots=True)
class Power:
    """The smallest gains that the held-out side can show. ``groups`` is None where documents stand for
    themselves; the gains are shares of the base's bits, for the `SPREADS`."""

    documents: int
    groups: int | None
    gains: tuple[float, float, float]

    @property
    def enough(self) -> bool:
        """Whether the gate judges on so few at all."""
        return self.documents >= FEWEST_DOCUMENTS and (self.groups is None or self.groups >= FEWEST_GROUPS)

    def __str__(self) -> str:
        low, middle, high = (f"{gain:.1%}" for gain in self.gains)
        grouped = "" if self.groups is None else f" in {self.groups} groups"
        return (
            f"{self.documents} held-out documents{grouped} show a gain of {middle} of the base's bits four"
            f" times in five, if gains differ between documents by {SPREADS[1]:.0%} (assumed); {low} if by"
            f" {SPREADS[0]:.0%}, {high} if by {SPREADS[2]:.0%}"
        )

    def warning(self) -> str:
        """Why a run on this dataset cannot be expected to pass; "" where it may."""
        remedy = "give more documents, or raise validation_split_ratio"
        if not self.enough:
            few = (
                f"{self.documents} documents are held out and {FEWEST_DOCUMENTS} are needed"
                if self.groups is None or self.documents < FEWEST_DOCUMENTS
                else f"the held-out documents come from {self.groups} groups and {FEWEST_GROUPS} are needed"
            )
            return f"the quality gate will refuse every run on this dataset: {few}; {remedy}"
        if self.gains[1] > LARGE_GAIN:
            return f"a run on this dataset is not likely to pass the quality gate: {self}; {remedy}"
        return ""


def power_of(
    files: Sequence[str], groups: Sequence[str], sizes: Sequence[int], *, share: float = 1.0
) -> Power:
    """What a held-out side can show; each document's file, its record's group and its bytes, in the dataset's
    order.

    ``share``: of the documents and groups that the verdict rests on; early stopping takes the others.
    """
    found = document_groups(files, range(len(files)), groups)
    together: dict[str | int, float] = {}
    for place, (group, size) in enumerate(zip(found, sizes, strict=True)):
        together[group or place] = together.get(group or place, 0.0) + size
    grouped = len(together) < len(found)
    worth = equal_parts(sizes) * share, equal_parts(list(together.values())) * share if grouped else None
    low, middle, high = (smallest_gain(*worth, spread) for spread in SPREADS)
    return Power(
        round(len(found) * share), round(len(together) * share) if grouped else None, (low, middle, high)
    )


def equal_parts(sizes: Sequence[float]) -> float:
    """The number of equal parts that say as much as these: (Σs)²/Σs² (L. Kish, "Survey Sampling", 1965)."""
    squares = sum(size * size for size in sizes)
    return sum(sizes) ** 2 / squares if squares else 0.0


def smallest_gain(
    documents: float, groups: float | None, spread: float, correlation: float = CORRELATION
) -> float:
    """The gain, as a share of the base's bits, that the gate accepts four times in five.

    Documents and groups are those of `equal_parts`. Groups of several documents make the variance of the mean
    larger by 1 + (documents a group − 1) × correlation (Kish again).
    """
    units = documents if groups is None else groups
    if units < 2:
        return math.inf
    error = spread * math.sqrt((1 + max(documents / units - 1, 0) * correlation) / documents)
    width = t_quantile(math.floor(units) - 1) * math.sqrt(units / (units - 1))
    width *= wider(units, SKEWNESS if groups is None else SKEWNESS_OF_GROUPS)
    return LEAST_GAIN + error * (width + _FOUR_IN_FIVE)


def wider(parts: float, skewness: float) -> float:
    """By how much an interval of the mean of this many equal parts grows where they may be so skewed.

    Student's t of skewed values is shifted by skewness × (2z² + 1) / (6 √parts) (N. Johnson, "Modified t
    Tests and Confidence Intervals for Asymmetrical Populations", 1978; P. Hall, 1992).
    """
    z = t_quantile(None)
    return 1 + skewness * (2 * z * z + 1) / (6 * z * math.sqrt(parts))


def t_quantile(degrees: int | None) -> float:
    """The 97.5 % quantile of Student's t with ``degrees`` ≥ 1 of freedom; None = the normal distribution.

    Exact for 1 and 2; beyond, the Cornish-Fisher expansion (Abramowitz & Stegun 26.7.5), within 0.5 % from
    3 on.
    """
    z = 1.959963984540054
    if degrees is None:
        return z
    if degrees == 1:
        return math.tan(math.pi * 0.475)
    if degrees == 2:
        return 0.95 * math.sqrt(2 / (1 - 0.95**2))
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees ** (power + 1)) for power, term in enumerate(terms))
