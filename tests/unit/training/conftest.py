"""The tiny model and job folders of training_jobs, one thread a test, and a step's memory counted once."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from core.hyperparameters import Hyperparameters
from tests.fakes.training_jobs import job, weights
from training.model import memory
from training.model.memory_plan import StepMemory, count_step
from training.model.model import lora_config

__all__ = ["job", "weights"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Sums in one order, and no fight over cores between tests."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def _counted() -> dict[Any, tuple[StepMemory, torch.Tensor]]:
    return {}


@pytest.fixture(autouse=True)
def _each_step_is_counted_once(_counted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting is most of a tiny job; a second job of the same shape takes what the first counted."""

    def once(
        config: Mapping[str, Any], settings: Hyperparameters, precision: torch.dtype, **rows: int
    ) -> StepMemory:
        base = json.dumps({**config, "_name_or_path": ""}, sort_keys=True, default=str)
        key = (base, repr(lora_config(settings)), settings.seed, precision, *rows.items())
        if key not in _counted:
            _counted[key] = count_step(config, settings, precision, **rows), torch.get_rng_state()
        step, dice = _counted[key]
        torch.set_rng_state(dice)  # as counting would leave it
        return step

    monkeypatch.setattr(memory, "count_step", once)
