"""Rows shared out over processes, as batches on each one's device."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from training.data.batches import NO_TARGET, Batch, collate
from training.data.packing import Row
from training.host.distributed import World


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
