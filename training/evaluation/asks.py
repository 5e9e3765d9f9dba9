"""What can be put to a model, and what it made of it."""

from dataclasses import dataclass, field

from core.dataset import Origin
from training.evaluation.scores import Score

#: Of a continuation that is shown before and after.
NEW_TOKENS = 64
TEMPERATURE, TOP_P = 0.8, 0.95


@dataclass(frozen=True, slots=True)
class Continuation:
    """How likely is ``text`` right after ``prompt`` ("" = by itself)? Unlike a document's, its end is not
    predicted."""

    prompt: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """To be continued by up to ``new_tokens`` tokens; greedily, or ``sampled`` with the job's seed;
    ``one_line`` ends it with the line."""

    text: str
    new_tokens: int
    sampled: bool = False
    one_line: bool = False


#: A held-out document is named by its origin. Equal asks of several metrics are put to a model once.
Ask = Origin | Continuation | Prompt


@dataclass(slots=True)
class Answers:
    """What one model made of all asks."""

    scores: dict[Origin | Continuation, Score] = field(default_factory=dict)
    texts: dict[Prompt, str] = field(default_factory=dict)
