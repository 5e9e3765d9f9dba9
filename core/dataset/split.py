"""Chooses the held-out documents: whole ones, by their content and a seed, the same in every run.

Documents of one source stay on one side. No text is kept here: each document is a digest, and then a rank of
eight bytes.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: The result of one document alone does not show how far it may be chance.
FEWEST_HELD_OUT = 2
#: Groups of several documents differ in size and spread, so a verdict needs more of them than documents that
#: stand for themselves (bench/results).
FEWEST_GROUPS = 8
#: The group of a document that stands for itself.
ALONE = -1


@dataclass(frozen=True, slots=True)
class Split:
    """Numbers of the documents on each side, in the dataset's order, and how many a limit left out."""

    training: array[int]
    validation: array[int]
    #: Documents beyond max_train_samples and max_val_samples.
    beyond_limit: int


def rank(digest: bytes, seed: int) -> int:
    """A document's place in the order of holding out, from a keyed hash of its content.

    So neither order nor file names matter, and a document that is added later moves few others across.
    """
    return int.from_bytes(hashlib.blake2b(digest, digest_size=8, key=seed.to_bytes(8, "big")).digest(), "big")


def held_out(ranks: Sequence[int], ratio: float) -> bytearray:
    """1 for each document to hold out, 0 for the others: ``ratio`` of them, rounded, at least two, never all.

    Takes about 40 bytes a document while it works.
    """
    chosen = bytearray(len(ranks))
    if ratio == 0 or len(ranks) < 2:
        return chosen
    count = min(max(round(len(ranks) * ratio), FEWEST_HELD_OUT), len(ranks) - 1)
    last = sorted(ranks)[count - 1]
    for number, place in enumerate(ranks):
        if place <= last and count:
            chosen[number] = 1
            count -= 1
    return chosen


def sources(groups: Sequence[int], files: Sequence[int], ratio: float) -> Sequence[int]:
    """The source of each document that the split keeps whole, ALONE for none.

    ``groups``: what records name (ALONE where they name none). Where no record names one, the file, if at
    least FEWEST_GROUPS files would be held out; with fewer files a verdict could not rest on whole ones.
    """
    if any(group != ALONE for group in groups):
        return groups
    return files if len(set(files)) * ratio >= FEWEST_GROUPS else array("q", [ALONE]) * len(groups)


def document_groups(files: Sequence[str], places: Sequence[int], given: Sequence[str]) -> list[str]:
    """The group of each held-out document, "" = it stands for itself: changes within a group are correlated.

    A record's own group (`given`) counts where there is one. Else, with FEWEST_GROUPS files or more, the
    file; with fewer files, neighbours in a file (`places` are theirs), since they often come from one source:
    about the cube root of the number of documents stands together, as in a block bootstrap (P. Hall,
    J. Horowitz and B.-Y. Jing, 1995).
    """
    if any(given):
        return list(given)
    if len(set(files)) >= FEWEST_GROUPS:
        return list(files)
    size = max(1, min(round(len(files) ** (1 / 3)), len(files) // FEWEST_GROUPS))
    groups = [""] * len(files)
    before: Counter[str] = Counter()
    for number in sorted(range(len(files)), key=lambda n: (files[n], places[n])):
        file = files[number]
        groups[number] = f"{file} {before[file] // size}" if size > 1 else ""
        before[file] += 1
    return groups


def split(
    digests: Iterable[bytes],
    tasks: Sequence[int],
    *,
    given: int | None,
    ratio: float,
    seed: int,
    max_training: int = -1,
    max_validation: int = -1,
    groups: Sequence[int] | None = None,
) -> Split:
    """Deal different documents out to the two sides.

    ``tasks`` has a number for each document: of every task the same ratio is held out. ``given``: this many
    documents at the beginning are a validation channel's, and all others are for training; None = choose.
    ``max_training`` and ``max_validation`` keep at most this many documents of each side; -1 keeps all.
    ``groups`` has each document's source (see `sources`); those of one source are on the same side.
    """
    if given is None:
        if groups is None or all(group == ALONE for group in groups):
            outside = _by_task([rank(digest, seed) for digest in digests], tasks, ratio)
        else:
            outside = _by_source(digests, tasks, groups, ratio, seed)
    else:
        outside = bytearray(b"\1" * given + b"\0" * (len(tasks) - given))
    training = array("q", (number for number, out in enumerate(outside) if not out))
    validation = array("q", (number for number, out in enumerate(outside) if out))
    kept = _first(training, max_training), _first(validation, max_validation)
    return Split(*kept, len(outside) - len(kept[0]) - len(kept[1]))


def _by_task(ranks: Sequence[int], tasks: Sequence[int], ratio: float) -> bytearray:
    members: dict[int, array[int]] = {}
    for number, task in enumerate(tasks):
        members.setdefault(task, array("q")).append(number)
    outside = bytearray(len(ranks))
    for numbers in members.values():
        for number, out in zip(numbers, held_out([ranks[n] for n in numbers], ratio), strict=True):
            outside[number] = out
    return outside


def _by_source(
    digests: Iterable[bytes], tasks: Sequence[int], groups: Sequence[int], ratio: float, seed: int
) -> bytearray:
    """1 for each document to hold out. A source belongs to the task of its first document."""
    units: dict[int, array[int]] = {}
    leaders: dict[int, bytes] = {}
    for number, digest in enumerate(digests):
        key = groups[number] if groups[number] != ALONE else ALONE - 1 - number
        units.setdefault(key, array("q")).append(number)
        leaders[key] = min(leaders.get(key, digest), digest)
    members: dict[int, list[tuple[int, array[int]]]] = {}
    for key, unit in units.items():  # ranked by the least digest, so that order and size do not matter
        members.setdefault(tasks[unit[0]], []).append((rank(leaders[key], seed), unit))
    outside = bytearray(len(groups))
    for parts in members.values():
        for unit in _whole([unit for _, unit in sorted(parts, key=lambda part: part[0])], ratio):
            for number in unit:
                outside[number] = 1
    return outside


def _whole(units: list[array[int]], ratio: float) -> list[array[int]]:
    """The units to hold out of a task: in their order, those that fit into the ratio's number of documents.

    Where that is too little because sources are larger, the smallest others are held out too.
    """
    if len(units) == 1:
        units = [array("q", (number,)) for number in units[0]]
    total = sum(map(len, units))
    if ratio == 0 or total < 2:
        return []
    target = min(max(round(total * ratio), FEWEST_HELD_OUT), total - 1)
    chosen: list[array[int]] = []
    others: list[array[int]] = []
    count = 0
    for unit in units:
        fits = count + len(unit) <= target
        (chosen if fits else others).append(unit)
        count += len(unit) * fits
    for unit in sorted(others, key=len):
        if count >= min(FEWEST_HELD_OUT, target) or count + len(unit) == total:
            break
        chosen.append(unit)
        count += len(unit)
    return chosen


def _first(numbers: array[int], limit: int) -> array[int]:
    return numbers if limit == -1 else numbers[:limit]


def unusable(training: int, validation: int) -> list[str]:
    """Say why a split with these numbers of documents cannot be trained on; empty if it can."""
    if validation < FEWEST_HELD_OUT:
        return [
            f"{validation} documents are held out, too few to show whether tuning helped; give at least"
            " 3 documents (one a line or separated by blank lines) and a validation_split_ratio above 0,"
            f" or a validation channel with at least {FEWEST_HELD_OUT}"
        ]
    if training == 0:
        return [
            "every training document also stands in the validation channel; give the training its own text"
        ]
    return []
