"""The kinds of questions for a model, and its answers."""

from dataclasses import dataclass, field

from core.dataset import Origin
from training.evaluation.scores import Score

#: The length of a continuation that is shown before and after.
NEW_TOKENS = 64
TEMPERATURE, TOP_P = 0.8, 0.95


@dataclass(frozen=True, slots=True)
class Continuation:
    """How likely is ``text`` right after ``prompt`` ("" = after nothing)? Unlike a document's, its end is not
    predicted."""

    prompt: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text that the model continues by up to ``new_tokens`` tokens: greedily, or ``sampled`` with the job's
    seed; ``one_line`` ends it with the line."""

    text: str
    new_tokens: int
    sampled: bool = False
    one_line: bool = False


@dataclass(frozen=True, slots=True)
class Exchanged:
    """How likely is what a held-out document teaches, after the prompt of another one?"""

    origin: Origin


#: A held-out document is named by its origin. Equal asks of several metrics are put to a model once.
Ask = Origin | Exchanged | Continuation | Prompt


@dataclass(slots=True)
class Answers:
    """One model's answers to all asks."""

    scores: dict[Origin | Exchanged | Continuation, Score] = field(default_factory=dict)
    texts: dict[Prompt, str] = field(default_factory=dict)
