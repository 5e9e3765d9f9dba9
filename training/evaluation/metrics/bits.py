"""What the metrics of whole texts share: bits a byte."""

from training.evaluation.asks import Answers, Prompt
from training.evaluation.metrics.base import Item


def bits_per_byte(item: Item, answers: Answers) -> float:
    """Comparable between models with different vocabularies, unlike perplexity."""
    (ask,) = item.asks
    assert not isinstance(ask, Prompt)
    return answers.scores[ask].bits_per_byte
