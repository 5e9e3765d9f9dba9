"""One look at a model, base or tuned: held-out text, general text, and its answers to the prompts."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from training.corpus import tokenize
from training.dataset import Document
from training.distributed import World
from training.evaluation.generation import PROMPTS, complete
from training.evaluation.scoring import Score, Scored, mean_loss, score
from training.failures import TrainingFailure
from training.hyperparameters import Hyperparameters
from training.model import AdaptedModel

GENERAL_TEXT = "items/general.txt"


@dataclass(frozen=True, slots=True)
class Measurement:
    """Scores in the order of the documents; answers in the order of the prompts."""

    held_out: list[Score]
    general: list[Score]
    greedy: list[str]
    sampled: list[str]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What both models are measured on. ``check`` is called now and then and may raise to end the work."""

    held_out: list[Scored]
    general: list[Scored]
    prompts: tuple[str, ...]
    tokenizer: Any
    length: int
    hyperparameters: Hyperparameters
    world: World
    check: Callable[[], None]

    def held_out_scores(self, model: AdaptedModel, *, adapter: bool) -> list[Score]:
        """Of the held-out documents."""
        return self._score(model, self.held_out, adapter)

    def measure(self, model: AdaptedModel, *, adapter: bool) -> Measurement:
        """Everything; ``adapter`` False = the base. Only the first process writes answers."""
        held_out = self.held_out_scores(model, adapter=adapter)
        if not math.isfinite(mean_loss(held_out)):
            raise TrainingFailure(
                f"the {'tuned' if adapter else 'base'} model predicts no numbers",
                where="evaluation",
                remedy="Set precision to fp32; if that does not help, the weights are broken: copy them",
            )
        general = self._score(model, self.general, adapter)
        answers: list[list[str]] = []
        for sampled in (False, True) if self.world.first else ():
            self.check()
            seed = self.hyperparameters.seed
            answers.append(
                complete(model, self.tokenizer, self.prompts, adapter=adapter, sampled=sampled, seed=seed)
            )
        greedy, written = answers or ([], [])
        return Measurement(held_out, general, greedy, written)

    def _score(self, model: AdaptedModel, documents: list[Scored], adapter: bool) -> list[Score]:
        return score(
            model,
            documents,
            adapter=adapter,
            length=self.length,
            batch_size=self.hyperparameters.per_device_eval_batch_size,
            world=self.world,
            on_batch=self.check,
        )


def general_documents(tokenizer: Any) -> list[Scored]:
    """The shipped sample of everyday prose, written for this: what a specialist should not unlearn."""
    text = (resources.files("training.evaluation") / GENERAL_TEXT).read_text(encoding="utf-8")
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return tokenize([Document(b.strip(), None, GENERAL_TEXT, i) for i, b in enumerate(blocks)], tokenizer)


def prompts_for(held_out: Sequence[Document]) -> tuple[str, ...]:
    """The four prompts; after instruction tuning held-out ones, which have the form that was trained."""
    own = tuple(document.prompt for document in held_out if document.prompt is not None)
    return own[: len(PROMPTS)] or PROMPTS
