"""A base in int8 or int4, where bitsandbytes is installed (`make training-image` has it)."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.failures import TrainingFailure
from core.hyperparameters import parse
from tests.fakes.training_jobs import evaluated
from training.data.batches import collate
from training.data.packing import TokenizedDocument, pack
from training.model.model import AdaptedModel

pytest.importorskip("bitsandbytes")

Job = Callable[..., Path]
ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "base_model"
CPU = torch.device("cpu")
EXACT = {"precision": "fp32", "lora_dropout": "0"}


def loss_and_gradients(**settings: str) -> tuple[float, dict[str, torch.Tensor]]:
    """Mean loss of a fixed batch and the gradients of the B matrices (those of A are 0 at the start)."""
    model = AdaptedModel(SHIPPED, parse(EXACT | settings), CPU)
    with model.evaluating(adapter=False):  # as every job does before it trains
        pass
    tokens = torch.arange(3, 3 + 4 * 64).reshape(4, 64).numpy()
    batch = collate(
        [row for row in pack([TokenizedDocument(i, row) for i, row in enumerate(tokens)], 64)], CPU
    )
    loss = model.loss(batch) / batch.targets
    loss.backward()
    found = {name: p.grad for name, p in model.adapter.items() if p.grad is not None and "lora_B" in name}
    return loss.item(), found


@pytest.mark.parametrize("use_dora", ["False", "True"])
def test_an_int8_base_gives_nearly_the_loss_and_gradients_of_a_whole_one(use_dora: str) -> None:
    loss, gradients = loss_and_gradients(use_dora=use_dora)
    rounded_loss, rounded = loss_and_gradients(use_dora=use_dora, int8_quantization="True")
    assert rounded_loss == pytest.approx(loss, rel=0.02)
    assert rounded.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert gradient.norm() > 0
        flat = rounded[name].flatten(), gradient.flatten()
        assert torch.nn.functional.cosine_similarity(*flat, 0) > 0.98, name


def test_a_job_learns_on_an_int8_base(job: Job) -> None:
    base = job(int8_quantization="True", max_steps="10")
    assert evaluated(base)["primary"]["difference"] < 0
    assert len(list((base / "model").iterdir())) == 2


def test_int4_without_a_gpu_is_refused() -> None:
    with pytest.raises(TrainingFailure, match="no GPU"):
        AdaptedModel(SHIPPED, parse({"load_in_4bit": "True"}), CPU)
