"""Interrupted at any steps, training ends with the same bytes; early stopping keeps the best adapter."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from safetensors.torch import save
from transformers import LlamaConfig, LlamaForCausalLM

from core.failures import Stopped
from core.hyperparameters import parse
from training.data.packing import TokenizedDocument, pack
from training.host.distributed import World
from training.host.events import Events
from training.loop import checkpoints
from training.loop.checkpoints import Checkpoint, newest_checkpoint
from training.loop.loop import Outcome, Training, train
from training.loop.optimizer import make_optimizer
from training.loop.progress import CURVE_POINTS, Progress
from training.loop.schedule import plan
from training.model.model import AdaptedModel

CPU = World(0, 1, torch.device("cpu"))
STEPS = 6
SETTINGS = {
    "epoch": "2",
    "per_device_train_batch_size": "2",
    "lora_dropout": "0.1",
    "learning_rate": "0.01",
    "precision": "fp32",
    "loraplus_lr_ratio": "4",
    "eval_steps": "1",
}


def run(
    weights: Path,
    folder: Path,
    *,
    stop_after: int = 10**6,
    held_out: Callable[[int], float] = lambda step: 5.0 - step,
    **changes: str,
) -> tuple[bytes, Outcome | None, list[dict[str, Any]]]:
    """Train from the newest checkpoint in ``folder``; gives adapter, outcome (None: stopped) and curve."""
    hyperparameters = parse(SETTINGS | changes)
    model = AdaptedModel(weights, hyperparameters, CPU.device)
    documents = [TokenizedDocument(i, [(7 * i + j) % 300 for j in range(40)]) for i in range(6)]
    rows = pack(documents, 40)
    events = Events(stream=io.StringIO())
    resumed = newest_checkpoint(folder, "print", CPU, events)
    looks: Iterator[int] = iter(range(resumed.step if resumed and resumed.step else 1, 100))
    left = iter([False] * (stop_after - 1) + [True] * 100) if stop_after < 100 else iter([False] * 100)
    training = Training(
        model=model,
        rows=rows,
        plan=plan(len(rows), 1, hyperparameters),
        hyperparameters=hyperparameters,
        world=CPU,
        events=events,
        checkpoint_folder=folder,
        fingerprint="print",
        resumed=resumed,
        stop_requested=lambda: next(left),
        measure=lambda: {"validation_loss": held_out(next(looks))},
    )
    try:
        outcome: Outcome | None = train(training)
    except Stopped:
        outcome = None
    tensors = {name: parameter.detach().clone() for name, parameter in model.adapter.items()}
    return save(tensors), outcome, training.curve


@pytest.fixture(scope="module")
def whole(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    torch.set_num_threads(1)
    adapter, outcome, _ = run(weights, tmp_path_factory.mktemp("whole"))
    assert outcome is not None
    assert (outcome.steps, outcome.kept_step) == (STEPS, STEPS)
    return adapter


@settings(max_examples=6, deadline=None, derandomize=True)
@given(steps=st.sets(st.integers(1, STEPS - 1), min_size=1, max_size=3))
def test_interrupted_at_any_steps_it_ends_with_the_same_bytes(
    weights: Path, whole: bytes, tmp_path_factory: pytest.TempPathFactory, steps: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("interrupted")
    done = 0
    for step in sorted(steps):
        _, outcome, curve = run(weights, folder, stop_after=step - done)
        assert outcome is None
        assert max(point["step"] for point in curve) == step
        done = step
    adapter, outcome, _ = run(weights, folder)
    assert outcome is not None
    assert adapter == whole


def dip_at_two(step: int) -> float:
    return 4.0 + abs(step - 2)


def test_early_stopping_keeps_the_adapter_of_the_lowest_held_out_loss(weights: Path, tmp_path: Path) -> None:
    stopping: dict[str, Any] = {"early_stopping_patience": "2"}
    adapter, outcome, _ = run(weights, tmp_path / "early", held_out=dip_at_two, **stopping)
    assert outcome is not None
    assert (outcome.steps, outcome.kept_step) == (4, 2)
    # The adapter after two steps, as a run that is stopped there leaves it.
    two, _, _ = run(weights, tmp_path / "two", stop_after=2, held_out=dip_at_two, **stopping)
    assert adapter == two


def test_early_stopping_goes_on_counting_after_an_interruption(weights: Path, tmp_path: Path) -> None:
    stopping: dict[str, Any] = {"early_stopping_patience": "2"}
    adapter, whole, _ = run(weights, tmp_path / "whole", held_out=dip_at_two, **stopping)
    run(weights, tmp_path / "parts", stop_after=3, held_out=dip_at_two, **stopping)
    again, outcome, _ = run(weights, tmp_path / "parts", held_out=dip_at_two, **stopping)
    assert (adapter, whole and whole.kept_step) == (again, outcome and outcome.kept_step)


def test_a_checkpoint_whose_best_adapter_is_torn_is_left_aside(tmp_path: Path) -> None:
    def write(step: int) -> None:
        values = {"a": torch.full((4,), float(step))}
        checkpoints.write(
            tmp_path,
            Checkpoint(
                step=step,
                fingerprint="print",
                tensors={"adapter/a": values["a"]},
                curve=[],
                global_batch=4,
                best=values,
                stopping={"best_loss": 1.0, "best_step": step, "waited": 0},
            ),
        )

    for step in (1, 2, 3):
        write(step)
    assert sorted(file.name[:13] for file in tmp_path.iterdir()) == [
        "best-00000002",
        "best-00000003",
        "step-00000002",
        "step-00000003",
    ]
    torn = max(tmp_path.glob("best-*"))
    torn.write_bytes(torn.read_bytes()[:-2])
    found = [checkpoint for _, checkpoint in checkpoints.candidates(tmp_path)]
    assert found[0] is None
    assert found[1] is not None
    assert (found[1].step, found[1].best["a"].tolist()) == (2, [2.0] * 4)


def test_a_checkpoint_of_llama_2_7b_has_at_most_60_mb(tmp_path: Path) -> None:
    """On the real shapes, without their numbers: the recipe's r=8 on q and v."""
    config = LlamaConfig(
        vocab_size=32000,
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
    )
    with torch.device("meta"):
        recipe = LoraConfig(r=8, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
        model = get_peft_model(LlamaForCausalLM(config), recipe)
    adapter = {name: p for name, p in model.named_parameters() if p.requires_grad}
    numbers = sum(parameter.numel() for parameter in adapter.values())
    assert numbers == 32 * 2 * (8 * 4096 + 4096 * 8) == 4_194_304
    assert all(parameter.dtype == torch.float32 for parameter in adapter.values())
    tensors = {  # adapter and both moments
        f"{kind}/{name}": torch.empty_like(p, device="cpu")
        for kind in ("adapter", "exp_avg", "exp_avg_sq")
        for name, p in adapter.items()
    }
    point = {"step": 123456, "steps": 123456, "epoch": 0.1234}
    point |= {"loss": 1.23456, "learning_rate": 1.2345678901e-05}
    point |= {"tokens_per_second": 912.3, "tokens_seen": 123456789, "eta_seconds": 12345.6, "usd": 12.345678}
    curve = [point] * (2 * CURVE_POINTS)
    large = Checkpoint(step=1, fingerprint="f" * 64, tensors=tensors, curve=curve, global_batch=4)
    file = checkpoints.write(tmp_path, large)
    assert 3 * 4 * numbers < file.stat().st_size <= 60_000_000


def test_a_long_jobs_curve_is_thinned_and_keeps_its_end() -> None:
    course = plan(10, 1, parse({"max_steps": "6001", "per_device_train_batch_size": "10"}))
    curve: list[dict[str, Any]] = []
    progress = Progress(course, Events(stream=io.StringIO()), curve)
    for done in range(1, course.steps + 1):
        progress.begin()
        progress.end(done, loss=1.0, rate=0.1, tokens=3)
    assert len(curve) <= CURVE_POINTS + 1
    assert (curve[-1]["step"], curve[-1]["tokens_seen"]) == (6001, 3 * 6001)


def test_lora_plus_gives_b_matrices_their_own_rate() -> None:
    adapter = {f"x.lora_{kind}.weight": torch.nn.Parameter(torch.ones(2)) for kind in "AB"}
    optimizer = make_optimizer(adapter, parse({"loraplus_lr_ratio": "16", "learning_rate": "0.001"}))
    assert [group["initial_lr"] for group in optimizer.param_groups] == pytest.approx([0.001, 0.016])
    (b_matrix,) = optimizer.param_groups[1]["params"]
    assert b_matrix is adapter["x.lora_B.weight"]
