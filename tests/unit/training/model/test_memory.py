"""The memory that training leaves and plans with, and the kernels that leave less."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from bench import training_memory as simulated
from core.hyperparameters import parse
from training.model.llama.attention import packed
from training.model.llama.kernels import choose_kernels, rms_norm, swiglu
from training.model.memory import machine_memory
from training.model.memory_plan import LayerShape, describe_plan, plan_memory
from training.model.model import AdaptedModel

GIB = 1 << 30
LLAMA_2_7B = LayerShape(
    layers=32,
    hidden=4096,
    intermediate=11008,
    query=4096,
    key_value=4096,
    vocabulary=32000,
    element=2,
    target_modules=("q_proj", "v_proj"),
    rank=8,
    dropout=True,
    dora=False,
)


def saved_bytes_a_layer(
    folder: Path, settings: dict[str, str], lengths: tuple[int, ...]
) -> tuple[float, LayerShape]:
    """Bytes that PyTorch really keeps a token and layer: what the second layer adds to the first's."""
    hyperparameters = parse({"gradient_checkpointing": "false"} | settings)
    model = AdaptedModel(folder, hyperparameters, torch.device("cpu"))
    own = {t.untyped_storage().data_ptr() for t in [*model.base.parameters(), *model.base.buffers()]}
    ids = torch.zeros(2, sum(lengths), dtype=torch.int64)
    totals = []
    layers = model.decoder.layers
    for count in (2, 1):
        model.decoder.layers = layers[:count]
        kept: dict[int, int] = {}
        held: list[Any] = []

        def keep(tensor: torch.Tensor, kept: dict[int, int] = kept, held: list[Any] = held) -> torch.Tensor:
            held.append(tensor)  # alive, so that no address is used twice
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model.decoder(ids, ids, packed([lengths, lengths]))
        totals.append(sum(kept.values()))
    shape = LayerShape.of(model.config, hyperparameters, model.precision.itemsize)
    return (totals[0] - totals[1]) / ids.numel(), shape


@pytest.fixture(scope="module")
def two_layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-layers")
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    torch.manual_seed(1)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "bf16"},
        {"precision": "fp32"},
        {"precision": "bf16", "lora_dropout": "0"},
        {"precision": "bf16", "target_modules": "all-linear"},
        {"precision": "bf16", "lora_dropout": "0", "target_modules": "all-linear"},
        {"precision": "bf16", "use_dora": "True"},
    ],
    ids=str,
)
@pytest.mark.parametrize("lengths", [(128,), (70, 50)], ids=str)
def test_the_formula_counts_what_pytorch_keeps(
    two_layers: Path, settings: dict[str, str], lengths: tuple[int, ...]
) -> None:
    real, shape = saved_bytes_a_layer(two_layers, settings, lengths)
    assert shape.saved_bytes == pytest.approx(real, rel=0.08)


def test_llama_2_7b_fits_an_a10g_by_recomputing_some_layers() -> None:
    assert LLAMA_2_7B.saved_bytes == 125_984
    weights = int(13.5e9)

    def on(gib: float, batch: int) -> Any:
        free = int(gib * GIB) - weights
        return plan_memory(
            LLAMA_2_7B,
            batch_tokens=batch * 1024,
            trainable=4_194_304,
            used=weights,
            free=free,
            usable=0.92,
        )

    recipe = on(21.5, 4)
    assert 0 < recipe.recomputed < 32
    assert recipe.predicted <= 21.5 * GIB
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


@given(free=st.integers(0, 200 * GIB), tokens=st.integers(1, 65536))
def test_as_few_layers_as_possible_are_recomputed(free: int, tokens: int) -> None:
    def plan(setting: str, room: int = free) -> Any:
        return plan_memory(
            LLAMA_2_7B,
            batch_tokens=tokens,
            trainable=0,
            used=0,
            free=room,
            usable=1.0,
            setting=setting,
        )

    none, every, chosen = plan("false"), plan("true"), plan("auto")
    assert (none.recomputed, every.recomputed) == (0, 32)
    assert chosen.recomputed == 0 or none.predicted > free
    assert chosen.fits or not (none.fits or every.fits)
    if chosen.recomputed:  # a byte for each layer less would have been enough for one layer less
        assert plan("auto", free + LLAMA_2_7B.saved_bytes * tokens).recomputed < chosen.recomputed or (
            not chosen.fits
        )


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


def test_norm_and_swiglu_are_those_of_transformers_with_the_same_gradients() -> None:
    torch.manual_seed(2)
    norm = LlamaRMSNorm(48, eps=1e-5)
    torch.nn.init.normal_(norm.weight)
    norm.weight.requires_grad_(False)
    first, second = (torch.randn(3, 5, 48, requires_grad=True) for _ in range(2))
    upstream = torch.randn(3, 5, 48)
    for ours, theirs in (
        (rms_norm(first, norm.weight, 1e-5), norm(first)),
        (swiglu(first, second), F.silu(first) * second),
    ):
        assert torch.equal(ours, theirs)
        pairs = zip(
            torch.autograd.grad(ours, [first, second], upstream, allow_unused=True),
            torch.autograd.grad(theirs, [first, second], upstream, allow_unused=True),
            strict=True,
        )
        for mine, other in pairs:
            assert (mine is None and other is None) or torch.allclose(mine, other, atol=1e-5)


def test_liger_is_used_on_a_gpu_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("liger_rms_norm", "liger_swiglu", "liger_rope")
    functions = SimpleNamespace(**{name: object() for name in names})
    for module in ("liger_kernel", "liger_kernel.transformers"):
        monkeypatch.setitem(sys.modules, module, SimpleNamespace())
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers.functional", functions)
    chosen = choose_kernels(torch.device("cuda"))
    assert chosen.name == "Liger kernels"
    assert [chosen.rms_norm, chosen.swiglu, chosen.rotate] == [getattr(functions, name) for name in names]
    assert choose_kernels(torch.device("cpu")).name == "PyTorch kernels"


def test_recomputed_layers_give_the_same_gradients(weights: Path) -> None:
    from training.data.batches import collate
    from training.data.packing import TokenizedDocument, pack

    rows = pack([TokenizedDocument(0, list(range(40)))], 40)
    gradients = []
    for layers in (0, 1, 2):
        model = AdaptedModel(weights, parse({"precision": "fp32"}), torch.device("cpu"))
        model.recompute(layers)
        torch.manual_seed(5)
        model.loss(collate([rows[0]], model.device)).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.adapter.values() if p.grad is not None]))
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])
