"""What a job is asked to do, read and checked before anything slow is imported. Standard library only."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.dataset import Source
from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters, parse
from training.job.channels import Channels
from training.model.weights import inspect_weights

#: The library that keeps a base in int8 or int4; containers may or may not have it.
QUANTIZER = "bitsandbytes"


@dataclass(frozen=True, slots=True)
class Request:
    """Settings and channels of one job; ``config`` is the base model's config.json."""

    hyperparameters: Hyperparameters
    training: list[Source]
    validation: list[Source] | None
    weights: Path
    config: dict[str, Any]
    scratch: Path


def read_request(channels: Channels) -> Request:
    """Read a job's settings and look at its channels.

    Raises HyperparameterError with all problems, or TrainingFailure for a channel that cannot be used.
    """
    hyperparameters = parse(channels.hyperparameters())
    _require_quantizer(hyperparameters)
    training = channels.dataset("training")
    if not training:
        channels.required("training", "the dataset (.txt, .csv, .json or .jsonl)")
    weights = channels.required("model", "base weights in Hugging Face layout")
    return Request(
        hyperparameters,
        training,
        channels.dataset("validation") or None,
        weights,
        inspect_weights(weights),
        channels.scratch,
    )


def _require_quantizer(hyperparameters: Hyperparameters) -> None:
    wanted = [name for name in ("int8_quantization", "load_in_4bit") if getattr(hyperparameters, name)]
    if wanted and find_spec(QUANTIZER) is None:
        raise TrainingFailure(
            f"{wanted[0]} is True, and {QUANTIZER} is not installed in this container",
            where="hyperparameters",
            remedy=f"Set {wanted[0]} to False (the base stays in bf16), or training_image to a container with"
            f" {QUANTIZER}",
        )
