"""Bases of every family: numbers beside transformers' and PEFT's own, merging, and the memory plan."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from core.failures import TrainingFailure
from core.hyperparameters import parse
from serving.engine import Engine
from serving.requests import Generation
from serving.settings import Settings
from tests.fakes.serving_model import Kept
from tests.fakes.training_jobs import logits_of, report_text, stirred
from tools.base_model.pretrain import Recipe, train_tokenizer
from training.data.batches import Batch, collate
from training.data.packing import TokenizedDocument, pack
from training.model.attention import attention_on_cpu, packed_attention
from training.model.memory_plan import count_step, fake_model, packed_loss, simulate
from training.model.merge import merge
from training.model.model import AdaptedModel, recompute
from training.model.weights import base_config, inspect_weights

CPU = torch.device("cpu")
SIZES: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
LLAMA_3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
GROUPED = {"num_key_value_heads": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "Llama 2": {"model_type": "llama"},
    "Llama 3": {"model_type": "llama", "rope_parameters": LLAMA_3} | GROUPED,
    "SmolLM2": {"model_type": "llama", "tie_word_embeddings": True, "num_key_value_heads": 1},
    "Mistral": {"model_type": "mistral", "sliding_window": None} | GROUPED,
    "Mistral with a window": {"model_type": "mistral", "sliding_window": 8} | GROUPED,
    "Qwen 2": {"model_type": "qwen2"} | GROUPED,
    "Qwen 3": {"model_type": "qwen3", "head_dim": 16} | GROUPED,
    "Gemma": {"model_type": "gemma", "head_dim": 16, "num_key_value_heads": 1},
    "Gemma 3": {"model_type": "gemma3_text", "head_dim": 16, "sliding_window": 8, "num_key_value_heads": 1},
    "Phi": {"model_type": "phi"},
    "Phi 3": {"model_type": "phi3", "pad_token_id": 0, "sliding_window": None},
    "Granite": {"model_type": "granite", "logits_scaling": 3.0} | GROUPED,
}
EXACT = {"precision": "fp32", "lora_dropout": "0", "target_modules": "all-linear"}
#: Two rows, of one and of three documents.
LENGTHS = ((40,), (11, 17, 9))


@pytest.fixture(params=FAMILIES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A random checkpoint of one family; its norms and biases are random too."""
    values = SIZES | FAMILIES[request.param]
    torch.manual_seed(8)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(values.pop("model_type"), **values))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def documents() -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(4)
    return [torch.randint(3, 90, (length,), generator=chance) for row in LENGTHS for length in row]


def batch_of(texts: list[torch.Tensor]) -> Batch:
    rows = [pack([TokenizedDocument(0, texts[0].numpy())], 40)[0]]
    return collate(
        [*rows, *pack([TokenizedDocument(i, t.numpy()) for i, t in enumerate(texts[1:])], 40)], CPU
    )


def test_packed_losses_and_gradients_are_those_of_peft(base: Path, tmp_path: Path) -> None:
    model = stirred(AdaptedModel(base, parse(EXACT), CPU))
    model.save_adapter(tmp_path / "adapter")
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    theirs = PeftModel.from_pretrained(plain, str(tmp_path / "adapter"), is_trainable=True)
    texts = documents()
    losses = [theirs(input_ids=t[None], labels=t[None]).loss * (len(t) - 1) for t in texts]
    expected = torch.stack(losses).sum()
    found = model.loss(batch_of(texts))
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    found.backward()
    expected.backward()
    wanted = {name: p.grad for name, p in theirs.named_parameters() if p.requires_grad}
    assert wanted.keys() == model.adapter.keys()
    for name, parameter in model.adapter.items():
        other = wanted[name]
        assert parameter.grad is not None and other is not None
        assert torch.allclose(parameter.grad, other, atol=2e-4 * float(other.abs().max())), name


@pytest.mark.parametrize("length", [1, 128, 300])
@pytest.mark.parametrize("window", [None, 9])
@pytest.mark.parametrize(("precision", "tolerance"), [(torch.bfloat16, 0.02), (torch.float32, 1e-5)])
def test_attention_of_a_step_on_a_cpu_is_pytorchs(
    precision: torch.dtype, tolerance: float, window: int | None, length: int
) -> None:
    """Six heads of queries, two of keys and values; the reference is SDPA in 64 bits."""
    chance = torch.Generator().manual_seed(2)
    shape = (length, 16)
    states = [
        torch.randn(2, heads, *shape, generator=chance).to(precision).requires_grad_() for heads in (6, 2, 2)
    ]
    exact = [state.detach().double().requires_grad_() for state in states]
    upstream = torch.randn(2, length, 6, 16, generator=chance).to(precision)
    places = torch.arange(length)
    back = places[:, None] - places
    seen = (back >= 0) & (back < (window or length))
    theirs = torch.nn.functional.scaled_dot_product_attention(
        exact[0], exact[1], exact[2], attn_mask=seen, scale=0.3, enable_gqa=True
    ).transpose(1, 2)
    module = SimpleNamespace(num_key_value_groups=3, is_causal=True)
    options: dict[str, Any] = {"document_lengths": [[length]] * 2, "sliding_window": window, "scaling": 0.3}
    q, k, v = states
    ours, _ = packed_attention(module, q, k, v, None, within=attention_on_cpu, **options)
    found = [ours, *torch.autograd.grad(ours, states, upstream)]
    expected = [theirs, *torch.autograd.grad(theirs, exact, upstream.double())]
    for own, other in zip(found, expected, strict=True):
        assert (own.double() - other).norm() <= tolerance * max(other.norm(), 1)  # 0 for a single token


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("precision", "tolerance"), [(torch.bfloat16, 0.02), (torch.float32, 1e-5)])
def test_attention_of_a_generated_token_on_a_cpu_is_pytorchs(
    precision: torch.dtype, tolerance: float, padded: bool
) -> None:
    """One query of six heads, keys and values of two; the reference is SDPA in 64 bits."""
    chance = torch.Generator().manual_seed(2)
    states = [
        torch.randn(2, heads, length, 16, generator=chance).to(precision)
        for heads, length in ((6, 1), (2, 50), (2, 50))
    ]
    seen = torch.ones(2, 1, 1, 50, dtype=torch.bool)
    seen[0, ..., :7] = seen[0, ..., 20:23] = False
    mask = seen if padded else None
    exact = [state.double() for state in states]
    theirs = torch.nn.functional.scaled_dot_product_attention(
        exact[0], exact[1], exact[2], attn_mask=mask, scale=0.3, enable_gqa=True
    ).transpose(1, 2)
    module = SimpleNamespace(num_key_value_groups=3, is_causal=True)
    ours, _ = packed_attention(
        module, states[0], states[1], states[2], mask, within=attention_on_cpu, scaling=0.3
    )
    assert ours.shape == theirs.shape
    assert (ours.double() - theirs).norm() <= tolerance * theirs.norm()


def test_merged_weights_give_the_logits_of_base_and_adapter(base: Path, tmp_path: Path) -> None:
    model = stirred(AdaptedModel(base, parse(EXACT), CPU))
    model.save_adapter(tmp_path / "adapter")
    merge(base, tmp_path / "adapter", tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    ids = documents()[0][None]
    with torch.no_grad(), model.evaluating(adapter=True):
        assert torch.allclose(merged(input_ids=ids).logits, logits_of(model, ids), atol=1e-4)


def test_auto_takes_the_layers_of_pefts_table(base: Path, tmp_path: Path) -> None:
    family = base_config(base)["model_type"]
    if family in ("phi3", "granite"):
        with pytest.raises(TrainingFailure, match="all-linear"):
            AdaptedModel(base, parse({"target_modules": "auto"}), CPU)
        return
    AdaptedModel(base, parse({"target_modules": "auto"}), CPU).save_adapter(tmp_path / "adapter")
    modules = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["target_modules"]
    assert modules == (["fc1", "fc2", "q_proj", "v_proj"] if family == "phi" else ["q_proj", "v_proj"])


@pytest.mark.parametrize("precision", ["bf16"])
def test_the_memory_plan_counts_what_pytorch_keeps(base: Path, precision: str) -> None:
    """The bytes that a real forward pass leaves for the backward pass: what a third layer adds to two."""
    settings = parse({"precision": precision, "gradient_checkpointing": "false"})
    if base_config(base)["model_type"] == "phi3":
        settings = parse({"precision": precision, "target_modules": "qkv_proj"})
    model = AdaptedModel(base, settings, CPU)
    batch = collate([pack([TokenizedDocument(0, list(range(3, 67)))], 64)[0]] * 4, CPU)
    own = {t.untyped_storage().data_ptr() for t in [*model.model.parameters(), *model.model.buffers()]}
    layers = model.decoder.layers
    totals = []
    for count in (3, 2):
        model.decoder.layers, model.decoder.config.num_hidden_layers = layers[:count], count
        kept: dict[int, int] = {}
        held: list[torch.Tensor] = []

        def keep(tensor: torch.Tensor, kept: dict[int, int] = kept, held: list[Any] = held) -> torch.Tensor:
            held.append(tensor)  # alive, so that no address is used twice
            if tensor.untyped_storage().data_ptr() not in own:
                kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model.hidden(batch)
        totals.append(sum(kept.values()))
    step = count_step(base_config(base), settings, model.precision, batch=4, length=64)
    moments = 2 * 4 * step.trainable // 3
    assert step.layers == 3
    assert step.kept - moments == pytest.approx(totals[0] - totals[1], rel=0.15)


@pytest.mark.parametrize("base", ["Llama 3", "Gemma 3", "Phi"], indirect=True)
def test_the_count_of_few_layers_is_that_of_all(base: Path) -> None:
    config = base_config(base) | {"num_hidden_layers": 5, "layer_types": None}
    settings = parse({"target_modules": "all-linear"})
    step = count_step(config, settings, torch.bfloat16, batch=4, length=256)
    for recomputed in (0, 2, 5):
        model = fake_model(config, settings, torch.bfloat16)
        recompute(model.get_base_model(), recomputed)
        real = simulate(model, packed_loss(model, torch.bfloat16, 4, 256), 4, 256).peak
        assert real <= step.peak(recomputed) * 1.001
        assert step.peak(recomputed) == pytest.approx(real, rel=0.1)


def test_a_base_of_each_family_is_accepted(base: Path) -> None:
    recipe = Recipe(vocabulary=320, hidden=32, feed_forward=48, layers=2, heads=2, context=64, steps=1)
    train_tokenizer([report_text(40)], recipe).save_pretrained(base)
    assert inspect_weights(base)["num_hidden_layers"] == 3
    assert len(AutoTokenizer.from_pretrained(base)) > SIZES["vocab_size"]
    assert load_file(base / "model.safetensors")


def test_an_adapter_gives_plain_peft_the_same_logits_and_is_served(base: Path, tmp_path: Path) -> None:
    recipe = Recipe(vocabulary=320, hidden=32, feed_forward=48, layers=2, heads=2, context=64, steps=1)
    train_tokenizer([report_text(40)], recipe).save_pretrained(base)
    model = stirred(AdaptedModel(base, parse(EXACT), CPU))
    model.save_adapter(tmp_path / "adapter")
    theirs = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), str(tmp_path / "adapter")
    ).eval()
    ids = torch.tensor([AutoTokenizer.from_pretrained(base)("ABC")["input_ids"]])
    with torch.no_grad(), model.evaluating(adapter=True):
        assert torch.allclose(theirs(input_ids=ids).logits, logits_of(model, ids), atol=1e-4)
    mask = torch.ones_like(ids)
    expected = theirs.generate(input_ids=ids, attention_mask=mask, max_new_tokens=8, do_sample=False)
    (tmp_path / "model").symlink_to(base)
    engine = Engine(Settings.from_environment({"SAGEMAKER_BASE_DIR": str(tmp_path)}))
    engine.add_adapter("tuned", tmp_path / "adapter")
    answer = Kept()
    engine.generate(Generation("ABC", adapter="tuned", max_new_tokens=8), answer)
    written = [token.token_id for token in answer.tokens if token.token_id is not None]
    assert written == expected[0, ids.shape[1] :].tolist()[: len(written)]
    assert len(written) == 8 or answer.tokens[-1].finish_reason == "eos_token"
