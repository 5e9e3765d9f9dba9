"""The metrics. A new one is a class in one of these files, or in a new file, and an entry below."""

from training.evaluation.metrics.base import Metric
from training.evaluation.metrics.choice import (
    MULTIPLE_CHOICE,
    OWN_CHOICES,
    RETAINED,
    SENTIMENT,
    ChoiceProbability,
)
from training.evaluation.metrics.consistency import SameLabel
from training.evaluation.metrics.generations import Degeneration, Repetition
from training.evaluation.metrics.text import GeneralText, HeldOut, PromptGain
from training.evaluation.metrics.written_answers import (
    OWN_QUESTIONS,
    TABLE_QUESTIONS,
    Declining,
    Faithfulness,
    InventedFigures,
)

#: In the order of evaluation.json and the report: one primary, one control, one guard, then the others.
REGISTRY: tuple[Metric, ...] = (
    HeldOut(),
    PromptGain(),
    GeneralText(),
    OWN_QUESTIONS,
    OWN_CHOICES,
    MULTIPLE_CHOICE,
    SENTIMENT,
    SameLabel(),
    RETAINED,
    ChoiceProbability(),
    TABLE_QUESTIONS,
    Faithfulness(),
    InventedFigures(),
    Declining(),
    Repetition(),
    Degeneration(),
)
