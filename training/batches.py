"""Packed rows as tensors: inputs, positions, who may attend to whom, and what is to be predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from training.packing import Row

#: Marks a position without a target (the value that PyTorch's cross-entropy ignores).
NO_TARGET = -100
#: Rows are padded to a multiple of this, which matrix kernels like.
ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """``B`` rows of ``T`` tokens.

    ``input_ids``, ``position_ids``, ``labels``, ``documents``: int64 [B, T]; ``labels[b, t]`` is the token
    after ``t`` or NO_TARGET; ``documents`` is the document's index, −1 on padding. ``attention_mask``: bool
    [B, 1, T, T], True = may attend.
    """

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    attention_mask: torch.Tensor
    labels: torch.Tensor
    documents: torch.Tensor

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
    longest = max(sum(len(piece.tokens) for piece in row) for row in rows)
    shape = (len(rows), -(-longest // ALIGNMENT) * ALIGNMENT)
    input_ids, positions = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
    labels, documents = torch.full(shape, NO_TARGET), torch.full(shape, -1)
    segments = torch.full(shape, -1)
    for b, row in enumerate(rows):
        start = 0
        for number, piece in enumerate(row):
            tokens = torch.from_numpy(np.array(piece.tokens, np.int64))
            end = start + len(tokens)
            learned = tokens >= 0  # those only read are stored as their complement
            input_ids[b, start:end] = tokens.where(learned, ~tokens)
            positions[b, start:end] = torch.arange(len(tokens))
            labels[b, start : end - 1] = tokens.where(learned, NO_TARGET)[1:]
            documents[b, start:end] = piece.document
            segments[b, start:end] = number
            start = end
    parts = (input_ids, positions, attention_mask(segments), labels, documents)
    return Batch(*(part.to(device, non_blocking=True) for part in parts))


def attention_mask(segments: torch.Tensor) -> torch.Tensor:
    """Causal within each segment, nothing across: bool [B, 1, T, T] from segment numbers [B, T].

    Padding (all of it one segment, −1) attends to itself: a row of the mask without any True gives NaN.
    """
    same = segments[:, :, None] == segments[:, None, :]
    return torch.tril(same)[:, None]
