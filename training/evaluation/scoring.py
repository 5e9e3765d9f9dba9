"""How well a model predicts documents: nats of each one, from which bits a byte and perplexity follow."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from training.batches import NO_TARGET
from training.distributed import World
from training.model import AdaptedModel
from training.packing import TokenizedDocument, pack
from training.shares import shared_batches


@dataclass(frozen=True, slots=True)
class Score:
    """Of one document: ``nats`` of surprise over ``tokens`` predicted tokens, ``bytes`` of text."""

    nats: float
    tokens: int
    bytes: int

    @property
    def bits(self) -> float:
        """The same surprise in bits."""
        return self.nats / math.log(2)

    @property
    def bits_per_byte(self) -> float:
        """Comparable between models with different vocabularies, unlike perplexity."""
        return self.bits / self.bytes


@dataclass(frozen=True, slots=True)
class Scored:
    """A document to be scored: its tokens and the size in bytes of the text that is predicted."""

    document: TokenizedDocument
    bytes: int


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


def total_bits_per_byte(scores: Sequence[Score]) -> float:
    """Of all documents together: each byte counts the same."""
    return sum(score.bits for score in scores) / sum(score.bytes for score in scores)


def perplexity(scores: Sequence[Score]) -> float:
    """Of all documents together: e to the mean surprise of a token; infinite beyond e^700."""
    return math.exp(min(mean_loss(scores), 700.0))


def mean_loss(scores: Sequence[Score]) -> float:
    """Nats a token over all documents."""
    return sum(score.nats for score in scores) / sum(score.tokens for score in scores)
