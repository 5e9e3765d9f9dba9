"""What a model made of documents: nats, from which bits a byte and perplexity follow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


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


def total_bits_per_byte(scores: Sequence[Score]) -> float:
    """Of all documents together: each byte counts the same."""
    return sum(score.bits for score in scores) / sum(score.bytes for score in scores)


def perplexity(scores: Sequence[Score]) -> float:
    """Of all documents together: e to the mean surprise of a token; infinite beyond e^700."""
    return math.exp(min(mean_loss(scores), 700.0))


def mean_loss(scores: Sequence[Score]) -> float:
    """Nats a token over all documents."""
    return sum(score.nats for score in scores) / sum(score.tokens for score in scores)
