"""The memory that training leaves and plans with, and the kernels that leave less."""

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench import training_memory as simulated
from core.hyperparameters import parse
from training.data.batches import collate
from training.data.packing import TokenizedDocument, pack
from training.model.base import use_liger
from training.model.memory import begin_peak, fit_layers, machine_memory, peak_bytes
from training.model.memory_plan import StepMemory, count_step, describe_plan, plan_memory
from training.model.model import AdaptedModel, recompute

GIB = 1 << 30
#: Sizes of Llama 2 7B's step, near enough, for the arithmetic of the plan.
STEP = StepMemory(
    layers=32,
    trainable=4_194_304,
    kept=675_184_640,
    entrance=34_603_008,
    beside_kept=404_758_536,
    beside_recomputed=980_328_456,
)


def test_llama_2_7b_fits_an_a10g_by_recomputing_some_layers() -> None:
    weights = int(13.5e9)
    count = partial(count_step, simulated.CONFIG, parse({}), torch.bfloat16, length=1024)
    steps = {batch: count(batch=batch) for batch in (1, 4)}
    # AWS's image has other versions, whose steps differ by 8 KiB.
    assert asdict(steps[4]) == pytest.approx(asdict(STEP), rel=1e-4)

    def on(gib: float, batch: int) -> Any:
        return plan_memory(steps[batch], used=weights, free=int(gib * GIB) - weights, usable=0.92)

    recipe = on(21.5, 4)
    assert 0 < recipe.recomputed < 32
    assert recipe.predicted <= 21.5 * GIB
    assert on(21.5, 1).recomputed < recipe.recomputed
    assert on(80, 4).recomputed == 0
    assert not on(14, 4).fits
    assert on(14, 4).recomputed == 32
    assert "lower per_device_train_batch_size" in describe_plan(on(14, 4), 32)
    assert f"{recipe.recomputed} of 32 layers are recomputed" in describe_plan(recipe, 32)


def test_the_planned_step_of_llama_2_7b_fits_an_a10g_when_it_is_simulated() -> None:
    plan = simulated.planned(4, 1024)
    peak = simulated.ours(4, 1024, plan.recomputed)
    assert 0 < plan.recomputed < 32
    assert peak <= plan.predicted <= plan.available < simulated.G5_BYTES
    assert plan.predicted < 1.06 * peak, "more is recomputed than needs be"
    assert simulated.ours(4, 1024, 0) > simulated.G5_BYTES, "without recomputation it would not"


@given(free=st.integers(0, 200 * GIB))
def test_as_few_layers_as_possible_are_recomputed(free: int) -> None:
    def plan(setting: str, room: int = free) -> Any:
        return plan_memory(STEP, used=0, free=room, usable=1.0, setting=setting)

    none, every, chosen = plan("false"), plan("true"), plan("auto")
    assert (none.recomputed, every.recomputed) == (0, 32)
    assert chosen.recomputed == 0 or none.predicted > free
    assert chosen.fits or not (none.fits or every.fits)
    if chosen.recomputed:  # a byte for each layer less would have been enough for one layer less
        assert plan("auto", free + STEP.kept).recomputed < chosen.recomputed or (not chosen.fits)


def test_a_container_has_less_than_its_machine(tmp_path: Path) -> None:
    meminfo, group = tmp_path / "meminfo", tmp_path / "cgroup"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    group.mkdir()
    assert machine_memory(meminfo, group) == 8000 * 1024
    (group / "memory.max").write_text("max\n")
    assert machine_memory(meminfo, group) == 8000 * 1024
    (group / "memory.max").write_text("5000000\n")
    (group / "memory.current").write_text("1000000\n")
    assert machine_memory(meminfo, group) == 4_000_000
    assert machine_memory(tmp_path / "none", tmp_path / "none") > 0


def test_a_plan_counts_the_holes_between_tensors(weights: Path) -> None:
    settings = parse({})
    model = AdaptedModel(weights, settings, torch.device("cpu"))
    step = count_step(model.config.to_dict(), settings, model.precision, batch=4, length=512)
    plans = [plan_memory(step, used=9, free=200 * GIB, usable=1.0, holes=holes) for holes in (0.0, 0.45)]
    assert [plan.predicted - 9 for plan in plans] == [step.peak(0), round(1.45 * step.peak(0))]
    assert fit_layers(model, settings, 512).predicted > plans[1].predicted, "with what is in use"


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can count anew")
def test_the_peak_counts_from_where_the_steps_begin() -> None:
    device, large = torch.device("cpu"), bytearray(200 << 20)
    large[:: 1 << 12] = b"x" * len(large[:: 1 << 12])
    before = peak_bytes(device)
    del large
    begin_peak(device)
    assert peak_bytes(device) < before - (100 << 20)


def test_liger_is_used_on_a_gpu_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []
    patches = SimpleNamespace(
        MODEL_TYPE_TO_APPLY_LIGER_FN={"llama": None},
        _apply_liger_kernel_to_instance=lambda model, **options: used.append((model, options)),
    )
    for module in ("liger_kernel", "liger_kernel.transformers"):
        monkeypatch.setitem(sys.modules, module, SimpleNamespace())
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers.monkey_patch", patches)
    llama, other = (SimpleNamespace(config=SimpleNamespace(model_type=kind)) for kind in ("llama", "phi"))
    assert use_liger(llama, torch.device("cuda")) == "Liger kernels"
    assert used == [(llama, {"cross_entropy": False, "fused_linear_cross_entropy": False})]
    assert "none for phi" in use_liger(other, torch.device("cuda"))
    assert use_liger(llama, torch.device("cpu")) == "PyTorch kernels"
    assert len(used) == 1


def test_recomputed_layers_give_the_same_gradients(weights: Path) -> None:
    rows = pack([TokenizedDocument(0, list(range(40)))], 40)
    gradients = []
    for layers in (0, 1, 2):
        model = AdaptedModel(weights, parse({"precision": "fp32"}), torch.device("cpu"))
        recompute(model.base, layers)
        torch.manual_seed(5)
        model.loss(collate([rows[0]], model.device)).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.adapter.values() if p.grad is not None]))
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])
