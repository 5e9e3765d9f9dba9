"""Packed rows as tensors, shared out over the processes: inputs, positions, documents' ends, and targets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from training.data.packing import Row
from training.host.distributed import World

#: Marks a position without a target (the value that PyTorch's cross-entropy ignores).
NO_TARGET = -100
#: Rows are padded to a multiple of this, which matrix kernels like.
ALIGNMENT = 8


Length = int | torch.Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """``B`` rows of ``T`` tokens.

    ``input_ids``, ``position_ids``, ``labels``, ``documents``: int64 [B, T]; ``labels[b, t]`` is the token
    after ``t`` or NO_TARGET; ``documents`` is the document's index, −1 on padding.
    ``document_lengths``: of each row's documents, in tokens; none attends to another. In the place of a
    length T may stand how many tokens the key lies behind the query, int [T, T], −1 where it is not seen.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    labels: torch.Tensor
    documents: torch.Tensor
    document_lengths: Sequence[Sequence[Length]]

    @property
    def targets(self) -> int:
        """Number of tokens to be predicted."""
        return int((self.labels != NO_TARGET).sum())

    @property
    def tokens(self) -> int:
        """Number of tokens, without padding."""
        return int((self.documents >= 0).sum())


def collate(rows: Sequence[Row], device: torch.device) -> Batch:
    """Turn rows into one batch on ``device``; it is as wide as the longest row, rounded up."""
    lengths = tuple(tuple(len(piece.tokens) for piece in row) for row in rows)
    longest = max(map(sum, lengths))
    shape = (len(rows), -(-longest // ALIGNMENT) * ALIGNMENT)
    input_ids, positions = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
    labels, documents = torch.full(shape, NO_TARGET), torch.full(shape, -1)
    for b, row in enumerate(rows):
        start = 0
        for piece in row:
            tokens = torch.from_numpy(np.array(piece.tokens, np.int64))
            end = start + len(tokens)
            learned = tokens >= 0  # those only read are stored as their complement
            input_ids[b, start:end] = tokens.where(learned, ~tokens)
            positions[b, start:end] = torch.arange(len(tokens))
            labels[b, start : end - 1] = tokens.where(learned, NO_TARGET)[1:]
            documents[b, start:end] = piece.document
            start = end
    parts = [part.to(device, non_blocking=True) for part in (input_ids, positions, labels, documents)]
    return Batch(parts[0], parts[1], parts[2], parts[3], lengths)


def shared_batches(rows: Sequence[Row], size: int, world: World, device: torch.device) -> Iterator[Batch]:
    """This process's part of ``rows`` (≥ 1) in batches of at most ``size`` rows.

    Every process gets equally many, since all must pass through a sharded base together; one that has no row
    left gets a batch with nothing to predict, while the others have their last.
    """
    for group in world.groups(rows, size):
        if len(group):
            yield collate(group, device)
        else:
            spare = collate(rows[:1], device)
            yield replace(
                spare,
                labels=torch.full_like(spare.labels, NO_TARGET),
                documents=torch.full_like(spare.documents, -1),
            )
