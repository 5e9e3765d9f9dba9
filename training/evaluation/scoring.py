"""Measures how well a model predicts documents, in nats for each one."""

from collections.abc import Callable, Sequence

import torch

from training.data.batches import NO_TARGET, shared_batches
from training.data.packing import Scored, TokenizedDocument, pack
from training.evaluation.scores import Score
from training.host.distributed import World
from training.model.model import AdaptedModel


def score(
    model: AdaptedModel,
    documents: Sequence[Scored],
    *,
    adapter: bool,
    length: int,
    batch_size: int,
    world: World,
    on_batch: Callable[[], None] = lambda: None,
) -> list[Score]:
    """Score ``documents`` in order, packed into rows of ``length`` tokens, shared out over all processes.

    ``on_batch`` is called before each batch; it may raise to end the work.
    """
    numbered = [
        TokenizedDocument(number, item.document.tokens, item.document.learn_from)
        for number, item in enumerate(documents)
    ]
    nats = torch.zeros(len(documents), dtype=torch.float64)
    with model.evaluating(adapter=adapter):
        for batch in shared_batches(pack(numbered, length), batch_size, world, model.device):
            on_batch()
            losses = model.token_losses(batch).double().cpu()
            nats.index_add_(0, batch.documents[batch.labels != NO_TARGET].cpu(), losses)
    total = torch.stack(world.gather(nats)).sum(0)
    return [
        Score(float(value), item.document.targets, item.bytes)
        for value, item in zip(total, documents, strict=True)
    ]
