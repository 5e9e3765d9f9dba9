"""A random Llama of a few thousand parameters in Hugging Face layout, jobs that use it, and their events."""

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tools.base_model.pretrain import Recipe, build_model, save, train_tokenizer
from training.host.events import Events
from training.host.processes import StopSignal
from training.job.channels import Channels
from training.job.pipeline import run
from training.model.cross_entropy import Output
from training.model.model import AdaptedModel

ROOT = Path(__file__).parents[2]
SENTENCES = (
    "Net revenue rose by {n} percent on higher volume.",
    "Operating cash flow fell to {n} million as inventories grew.",
    "The relative volume of long options was {n} contracts.",
    "Credit losses of {n} million were charged to the segment.",
)


def report_text(documents: int) -> str:
    """Different documents of two sentences, separated by blank lines."""
    return "\n\n".join(
        SENTENCES[i % 4].format(n=i) + " " + SENTENCES[(i + 1) % 4].format(n=7 * i + 3)
        for i in range(documents)
    )


def read_events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The trainer's events, without what libraries print in between (gloo of torch 2.9 tells whom it met)."""
    return (json.loads(line) for line in lines if line.startswith("{"))


def evaluated(base: Path, usd_per_hour: float | None = None) -> dict[str, Any]:
    """Run the job in ``base`` in this process; gives its evaluation."""
    channels = Channels(base)
    run(channels, Events(stream=io.StringIO(), usd_per_hour=usd_per_hour), StopSignal())
    content: dict[str, Any] = json.loads((channels.data_output / "evaluation.json").read_text())
    return content


def start(base: Path, *launcher: str, **environment: str) -> "subprocess.Popen[str]":
    """Start the trainer's program on the job in ``base``, from there, so that only PYTHONPATH gives it."""
    own = {"SAGEMAKER_BASE_DIR": str(base), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *(launcher or ("-m", "training"))],
        env={**os.environ, **own, **environment},
        cwd=base,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, list[dict[str, Any]], str]:
    """Wait for the program: its exit status, its events and what it wrote to standard error."""
    out, err = process.communicate(timeout=120)
    return process.returncode, list(read_events(out.splitlines())), err


def stirred(model: AdaptedModel) -> AdaptedModel:
    """With an adapter that does something."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.adapter.values():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def logits_of(model: AdaptedModel, ids: torch.Tensor) -> torch.Tensor:
    """Logits [B, T, V] after every token of ``ids`` [B, T], each row one document."""
    rows, length = ids.shape
    places = torch.arange(length).expand(rows, -1)
    hidden = model.decoder(input_ids=ids, position_ids=places, document_lengths=[[length]] * rows)
    return Output.of(model.base).logits(hidden.last_hidden_state)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with config, fp32-exact bf16 weights and tokenizer; context of 64 tokens."""
    folder = tmp_path_factory.mktemp("weights")
    recipe = Recipe(vocabulary=320, hidden=32, feed_forward=48, layers=2, heads=2, context=64, steps=1)
    tokenizer = train_tokenizer([report_text(40)], recipe)
    save(build_model(recipe, tokenizer), tokenizer, folder)
    return folder


@pytest.fixture
def job(tmp_path: Path, weights: Path) -> Callable[..., Path]:
    """Makes a SAGEMAKER_BASE_DIR with a dataset and settings that train in moments."""

    def make(name: str = "job", documents: int = 40, **settings: str) -> Path:
        return make_job(tmp_path / name, weights, documents, **settings)

    return make


def make_job(base: Path, weights: Path, documents: int = 40, **settings: str) -> Path:
    """Make `base` a SAGEMAKER_BASE_DIR with that many documents, these weights and settings."""
    (base / "input" / "config").mkdir(parents=True)
    (base / "input" / "data" / "training").mkdir(parents=True)
    (base / "input" / "data" / "training" / "reports.txt").write_text(report_text(documents))
    shutil.copytree(weights, base / "input" / "data" / "model")
    defaults = {
        "epoch": "2",
        "learning_rate": "0.01",
        "precision": "fp32",
        "max_input_length": "64",
        "evaluation_items": "0",
    }
    file = base / "input" / "config" / "hyperparameters.json"
    file.write_text(json.dumps(defaults | settings))
    return base
