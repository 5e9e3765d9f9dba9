"""Measuring one model, base or tuned: held-out text, and everything that the metrics ask."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from core.dataset import Origin
from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters
from training.data.packing import Scored, TokenizedDocument
from training.data.tokenizer import Tokenizer
from training.evaluation.asks import Answers, Continuation, Exchanged, Prompt
from training.evaluation.generation import Writer, alike
from training.evaluation.metrics import REGISTRY
from training.evaluation.metrics.base import CONTROL, PRIMARY, Items, Material, Metric
from training.evaluation.metrics.generations import written
from training.evaluation.scores import Score, mean_loss
from training.evaluation.scoring import score
from training.host.distributed import World
from training.model.model import AdaptedModel


@dataclass(frozen=True, slots=True)
class Measurement:
    """One model's answers; ``held_out`` are the scores of all held-out documents, in their order."""

    held_out: list[Score]
    answers: Answers


class Yardstick:
    """The texts and questions that both models are measured on, and the time that took: ``seconds``.

    Args:
        held_out: all held-out documents, tokenized, by where they stand; ``material`` names those that the
            verdict rests on.
        exchanged: some of them under another one's prompt.
        prompted: whether some of those that the verdict rests on have a prompt.
        watched: positions of those that are measured during training.
        length: of the packed rows.
        check: is called before each batch and may raise to end the work.
    """

    def __init__(
        self,
        *,
        material: Material,
        held_out: Mapping[Origin, Scored],
        exchanged: Mapping[Origin, Scored],
        prompted: bool,
        watched: Sequence[int],
        tokenizer: Tokenizer,
        length: int,
        hyperparameters: Hyperparameters,
        world: World,
        check: Callable[[], None],
        metrics: Sequence[Metric] = REGISTRY,
    ) -> None:
        self.material, self.metrics, self.length = material, tuple(metrics), length
        self.items: dict[str, Items] = {metric.name: metric.items(material) for metric in metrics}
        self.held_out, self.watched, self.prompted, self.seconds = held_out, watched, prompted, 0.0
        self._exchanged, self._world, self._check = exchanged, world, check
        self._batch_size = hyperparameters.per_device_eval_batch_size
        asks = dict.fromkeys(
            ask
            for metric in metrics
            if metric.role not in (PRIMARY, CONTROL)
            for item in self.items[metric.name].asked
            for ask in item.asks
        )
        asks |= dict.fromkeys(written(p, sampled=way) for p in material.prompts for way in (False, True))
        continuations = [ask for ask in asks if isinstance(ask, Continuation)]
        with self._timed():
            self._continuations = dict(zip(continuations, encode(continuations, tokenizer), strict=True))
        self._prompts = [ask for ask in asks if isinstance(ask, Prompt)]
        self._writer = Writer(
            tokenizer, seed=material.seed, batch_size=self._batch_size, world=world, on_batch=check
        )

    @property
    def truncated_prompts(self) -> int:
        """Prompts that were cut to fit the model's context."""
        return self._writer.truncated

    def watched_scores(self, model: AdaptedModel) -> list[Score]:
        """The tuned model's scores of the documents that are measured during training."""
        documents = list(self.held_out.values())
        with self._timed():
            return self._score(model, [documents[place] for place in self.watched], True)

    def measure(self, model: AdaptedModel, *, adapter: bool) -> Measurement:
        """Everything that the metrics ask; ``adapter`` False = the base model."""
        with self._timed():
            held_out = self._score(model, list(self.held_out.values()), adapter)
        if not math.isfinite(mean_loss(held_out)):
            raise TrainingFailure(
                f"the {'tuned' if adapter else 'base'} model predicts no numbers",
                where="evaluation",
                remedy="Set precision to fp32; if that does not help, the weights are broken: copy them",
            )
        answers = Answers(dict(zip(self.held_out, held_out, strict=True)))
        with self._timed():
            others = self._score(model, list(self._exchanged.values()), adapter)
            answers.scores |= dict(zip(map(Exchanged, self._exchanged), others, strict=True))
            scores = self._score(model, list(self._continuations.values()), adapter)
            answers.scores |= dict(zip(self._continuations, scores, strict=True))
            answers.texts |= self._writer.write(model, self._prompts, adapter=adapter)
        return Measurement(held_out, answers)

    def _score(self, model: AdaptedModel, documents: Sequence[Scored], adapter: bool) -> list[Score]:
        if not documents:
            return []
        return score(
            model,
            documents,
            adapter=adapter,
            length=self.length,
            batch_size=self._batch_size,
            world=self._world,
            on_batch=self._check,
        )

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - started


def item_texts(material: Material, metrics: Sequence[Metric] = REGISTRY) -> dict[str, str]:
    """The texts of all items that can be looked for in the training text, by id; held-out documents apart."""
    asked = (item for metric in metrics for item in metric.items(material).asked)
    return {item.id: item.text for item in asked if item.text}


def encode(continuations: Sequence[Continuation], tokenizer: Tokenizer) -> list[Scored]:
    """The tokens of prompt and text together, since tokens may differ at a seam. Those after the prompt's own
    are predicted."""
    if not continuations:
        return []
    prompts = list(dict.fromkeys(ask.prompt for ask in continuations))
    openings = dict(zip(prompts, tokenizer.encode_prompts(prompts), strict=True))
    wholes = tokenizer.encode_prompts([ask.prompt + ask.text for ask in continuations])
    encoded = []
    for index, (ask, tokens) in enumerate(zip(continuations, wholes, strict=True)):
        seam = alike(openings[ask.prompt], tokens)
        document = TokenizedDocument(index, tokens, max(seam, 1))
        encoded.append(Scored(document, len(ask.text.encode())))
    return encoded
