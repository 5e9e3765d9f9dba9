"""Scores of how well a model predicts documents, in nats, bits a byte and perplexity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """One document's ``nats`` of surprise over ``tokens`` predicted tokens, ``bytes`` of text."""

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
        return self.bits / self.bytes if self.bytes else 0.0


def total_bits_per_byte(scores: Sequence[Score]) -> float:
    """Bits a byte of all documents together: each byte counts the same."""
    return sum(score.bits for score in scores) / max(sum(score.bytes for score in scores), 1)


def perplexity(scores: Sequence[Score]) -> float:
    """e to the mean surprise of a token, over all documents together; never more than e^700."""
    return math.exp(min(mean_loss(scores), 700.0))


def mean_loss(scores: Sequence[Score]) -> float:
    """Nats a token over all documents."""
    return sum(score.nats for score in scores) / max(sum(score.tokens for score in scores), 1)
