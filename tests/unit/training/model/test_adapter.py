"""A job that begins with a saved adapter: what it measures, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.failures import TrainingFailure
from tests.fakes.training_jobs import evaluated

Job = Callable[..., Path]


@pytest.fixture
def trained(job: Job) -> Path:
    base = job("trained", evaluation_items="0")
    evaluated(base)
    return base


def again(job: Job, trained: Path, **settings: str) -> Path:
    """A job of zero steps that begins with what `trained` has left."""
    base = job("again", **({"max_steps": "0", "evaluation_items": "0"} | settings))
    shutil.copytree(trained / "model", base / "input" / "data" / "adapter")
    return base


def test_zero_steps_from_an_adapter_measure_what_its_own_job_measured(job: Job, trained: Path) -> None:
    first = json.loads((trained / "output" / "data" / "evaluation.json").read_text())
    second = evaluated(again(job, trained))
    assert first["primary"]["difference"] < -0.01
    assert second["primary"] == first["primary"]
    assert second["metrics"] == first["metrics"]
    folders = (trained, trained.parent / "again")
    adapters = [(base / "model" / "adapter_model.safetensors").read_bytes() for base in folders]
    assert adapters[0] == adapters[1]


def test_an_adapter_that_does_not_fit_is_refused(job: Job, trained: Path) -> None:
    base = again(job, trained, lora_r="4")
    with pytest.raises(TrainingFailure, match="does not fit") as caught:
        evaluated(base)
    assert "lora_r" in str(caught.value)
    file = base / "input" / "data" / "adapter" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(TrainingFailure, match="no readable adapter"):
        evaluated(base)
