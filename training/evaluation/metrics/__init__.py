"""The metrics. A new one is a file beside these and an entry below."""

from training.evaluation.metrics.base import Metric
from training.evaluation.metrics.degeneration import Degeneration
from training.evaluation.metrics.exact_match import OWN_QUESTIONS, TABLE_QUESTIONS
from training.evaluation.metrics.faithfulness import Faithfulness
from training.evaluation.metrics.general import GeneralText
from training.evaluation.metrics.held_out import HeldOut
from training.evaluation.metrics.multiple_choice import MULTIPLE_CHOICE, OWN_CHOICES
from training.evaluation.metrics.repetition import Repetition
from training.evaluation.metrics.sentiment import SENTIMENT

#: In the order of evaluation.json and the report; one is the primary, one the guard against forgetting.
REGISTRY: tuple[Metric, ...] = (
    HeldOut(),
    GeneralText(),
    OWN_QUESTIONS,
    OWN_CHOICES,
    MULTIPLE_CHOICE,
    SENTIMENT,
    TABLE_QUESTIONS,
    Faithfulness(),
    Repetition(),
    Degeneration(),
)
