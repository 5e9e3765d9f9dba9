"""Which rows an epoch takes, in which order: a pure function of seed and epoch, so a run can be resumed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows ``first`` to ``first + rows`` (of one task), of which an epoch takes ``taken``.

    An epoch that takes fewer rows than there are begins where the epoch before ended, so that each row comes
    as often as any other. An epoch that takes more repeats rows.
    """

    first: int
    rows: int
    taken: int


def groups(rows: Sequence[int], weights: Sequence[float] | None) -> tuple[Group, ...]:
    """One group for each task; ``rows`` has the number of rows of each.

    Without ``weights`` an epoch takes every row once. With them it takes as many rows as there are (of tasks
    that weigh anything), shared out by weight; largest remainders get what rounding leaves.
    """
    starts = [sum(rows[:place]) for place in range(len(rows))]
    if weights is None:
        taken = list(rows)
    else:
        total = sum(number for number, weight in zip(rows, weights, strict=True) if weight)
        shares = [
            total * weight / sum(w for w, n in zip(weights, rows, strict=True) if n) if number else 0.0
            for number, weight in zip(rows, weights, strict=True)
        ]
        taken = [math.floor(share) for share in shares]
        left = total - sum(taken)
        for place in sorted(range(len(rows)), key=lambda i: taken[i] - shares[i])[:left]:
            taken[place] += 1
    return tuple(Group(*each) for each in zip(starts, rows, taken, strict=True))


@lru_cache(maxsize=2)
def epoch_order(among: tuple[Group, ...], seed: int, epoch: int) -> Indices:
    """Row numbers of one epoch (from 0), shuffled: int64 [rows taken]."""
    parts = [_stretch(group, (seed, number), epoch) for number, group in enumerate(among)]
    together = np.concatenate(parts)
    return together[_shuffled(len(together), (seed, len(among), epoch))]


def _stretch(group: Group, key: tuple[int, int], epoch: int) -> Indices:
    """``taken`` rows from an endless sequence of shuffles, behind those of the epochs before."""
    start, end = epoch * group.taken, (epoch + 1) * group.taken
    if start == end:
        return np.empty(0, np.int64)
    first, last = start // group.rows, (end - 1) // group.rows
    rounds = [_shuffled(group.rows, (*key, number)) for number in range(first, last + 1)]
    offset = first * group.rows
    return group.first + np.concatenate(rounds)[start - offset : end - offset]


def _shuffled(count: int, key: tuple[int, int, int]) -> Indices:
    """A permutation; NumPy keeps the stream of this generator from version to version, unlike its shuffle."""
    numbers = np.random.Philox(np.random.SeedSequence(key)).random_raw(count)
    return np.argsort(numbers, kind="stable")


def weights_of(tasks: Sequence[str], task_weights: Sequence[tuple[str, Any]]) -> list[float] | None:
    """Each task's weight; None where sizes decide."""
    given: Mapping[str, float] = dict(task_weights)
    return [float(given[task]) for task in tasks] if given else None
