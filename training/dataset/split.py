"""Training and held-out documents: split by document, without duplicates across (or within), reproducible."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from training.dataset.documents import Document

#: Of one document nobody can say how far its result may be chance.
FEWEST_HELD_OUT = 2


@dataclass(frozen=True, slots=True)
class Split:
    """``training`` and ``validation`` keep the dataset's order; the counts say what was left out and why."""

    training: tuple[Document, ...]
    validation: tuple[Document, ...]
    empty: int = 0
    duplicates: int = 0
    #: Training documents that also stand in the given validation channel, taken out of training.
    leaked: int = 0
    #: Documents beyond max_train_samples and max_val_samples.
    beyond_limit: int = 0


def held_out(digests: Sequence[bytes], ratio: float, seed: int) -> set[int]:
    """Indices of the documents to hold out: ``ratio`` of them, rounded, at least two, never all.

    Chosen by a keyed hash of the content, so neither order nor file names matter, and a document that is
    added later moves few others across.
    """
    if ratio == 0 or len(digests) < 2:
        return set()
    count = min(max(round(len(digests) * ratio), FEWEST_HELD_OUT), len(digests) - 1)
    key = seed.to_bytes(8, "big")
    ranked = sorted(
        range(len(digests)), key=lambda i: (hashlib.blake2b(digests[i], key=key).digest(), digests[i], i)
    )
    return set(ranked[:count])


def unusable(training: int, validation: int) -> list[str]:
    """Why a split into so many documents cannot be trained on; empty if it can."""
    if validation < FEWEST_HELD_OUT:
        return [
            f"{validation} documents are held out, so nobody could tell whether tuning helped; give at least"
            " 3 documents (one a line or separated by blank lines) and a validation_split_ratio above 0,"
            f" or a validation channel with at least {FEWEST_HELD_OUT}"
        ]
    if training == 0:
        return [
            "every training document also stands in the validation channel; give the training its own text"
        ]
    return []


def split(
    documents: Iterable[Document],
    *,
    ratio: float,
    seed: int,
    validation: Iterable[Document] | None = None,
    max_training: int = -1,
    max_validation: int = -1,
) -> Split:
    """Split ``documents``, or keep all for training where ``validation`` gives the held-out ones.

    Empty documents and repeated ones are left out and counted. ``max_training`` and ``max_validation`` keep
    the first so many of each side, in the dataset's order; -1 keeps all.
    """
    unique, empty, duplicates = _unique(documents)
    if validation is None:
        chosen = held_out([document.digest for document in unique], ratio, seed)
        training = [document for i, document in enumerate(unique) if i not in chosen]
        outside = [document for i, document in enumerate(unique) if i in chosen]
        leaked = 0
    else:
        outside, more_empty, more_duplicates = _unique(validation)
        empty, duplicates = empty + more_empty, duplicates + more_duplicates
        known = {document.digest for document in outside}
        training = [document for document in unique if document.digest not in known]
        leaked = len(unique) - len(training)
    whole = Split(tuple(training), tuple(outside), empty, duplicates, leaked)
    return _limit(whole, max_training, max_validation)


def _limit(whole: Split, max_training: int, max_validation: int) -> Split:
    training = whole.training if max_training == -1 else whole.training[:max_training]
    validation = whole.validation if max_validation == -1 else whole.validation[:max_validation]
    beyond = len(whole.training) + len(whole.validation) - len(training) - len(validation)
    return replace(whole, training=training, validation=validation, beyond_limit=beyond)


def _unique(documents: Iterable[Document]) -> tuple[list[Document], int, int]:
    seen: set[bytes] = set()
    unique: list[Document] = []
    empty = duplicates = 0
    for document in documents:
        if not document.text.strip():
            empty += 1
        elif document.digest in seen:
            duplicates += 1
        else:
            seen.add(document.digest)
            unique.append(document)
    return unique, empty, duplicates
