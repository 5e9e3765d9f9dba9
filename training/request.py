"""What a job is asked to do, read and checked before anything slow is imported. Standard library only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.channels import Channels
from training.hyperparameters import Hyperparameters, parse
from training.weights import inspect_weights


@dataclass(frozen=True, slots=True)
class Request:
    """Settings and channels of one job; ``config`` is the base model's config.json."""

    hyperparameters: Hyperparameters
    training: Path
    validation: Path | None
    weights: Path
    config: dict[str, Any]


def read_request(channels: Channels) -> Request:
    """Read a job's settings and look at its channels.

    Raises HyperparameterError with all problems, or TrainingFailure for a channel that cannot be used.
    """
    hyperparameters = parse(channels.hyperparameters())
    training = channels.required("training", "the dataset (.txt, .csv, .json or .jsonl)")
    weights = channels.required("model", "base weights in Hugging Face layout")
    return Request(
        hyperparameters, training, channels.channel("validation"), weights, inspect_weights(weights)
    )
