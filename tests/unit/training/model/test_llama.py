"""The trainer's Llama and LoRA beside transformers' and PEFT's: same numbers, same files, same start."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
from transformers import LlamaConfig as TheirConfig

from core.failures import TrainingFailure
from core.hyperparameters import parse
from tests.fakes.training_jobs import logits_of
from training.data.tokenizer import load_tokenizer
from training.evaluation.asks import Prompt
from training.evaluation.generation import Writer
from training.host.distributed import World
from training.loop.optimizer import AdamW, Group
from training.model.llama.config import LlamaConfig
from training.model.llama.rotary import inverse_frequencies
from training.model.model import AdaptedModel
from training.model.weights import base_config

ROOT = Path(__file__).parents[4]
CPU = torch.device("cpu")
IDS = torch.randint(3, 90, (2, 40), generator=torch.Generator().manual_seed(4))
SIZES = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 2,
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
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "grouped queries": {"num_key_value_heads": 2},
    "wide heads": {"head_dim": 16, "num_key_value_heads": 1},
    "tied": {"tie_word_embeddings": True},
    "biases": {"attention_bias": True, "mlp_bias": True},
    "another theta": {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
    "linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}},
    "llama3": {"rope_parameters": LLAMA_3},
}
ROPE_NAMES = ["rope_parameters", "rope_scaling", "rope_theta", "type", *LLAMA_3]
EXACT = {"precision": "fp32", "lora_dropout": "0"}
VARIANTS: dict[str, dict[str, str]] = {
    "LoRA": {},
    "rsLoRA": {"use_rslora": "True", "target_modules": "all-linear"},
    "DoRA": {"use_dora": "True", "target_modules": "q_proj,down_proj"},
}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Saves transformers' Llama with random weights, biases and norms too."""

    def save(**changes: Any) -> Path:
        torch.manual_seed(8)
        model = LlamaForCausalLM(TheirConfig(**SIZES | changes))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(tmp_path / "base")
        return tmp_path / "base"

    return save


def stirred(model: AdaptedModel) -> AdaptedModel:
    """With an adapter that does something."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.adapter.values():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def theirs(base: Path, adapter: Path | None = None, *, trainable: bool = False) -> Any:
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    if adapter is None:
        return plain
    return PeftModel.from_pretrained(plain, str(adapter), is_trainable=trainable).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_those_of_transformers(saved: Callable[..., Path], kind: str) -> None:
    base = saved(**KINDS[kind])
    model = stirred(AdaptedModel(base, parse(EXACT), CPU))
    with torch.no_grad(), model.evaluating(adapter=False):
        expected = theirs(base)(input_ids=IDS).logits
        assert torch.allclose(logits_of(model, IDS), expected, atol=2e-5)


def test_older_files_say_the_rotation_in_other_words(saved: Callable[..., Path]) -> None:
    base = saved(rope_parameters=LLAMA_3)
    today = LlamaConfig.of(base_config(base))
    config = base_config(base)
    scaling = config.pop("rope_parameters")
    theta = scaling.pop("rope_theta")
    del scaling["rope_type"]
    for kind in ("rope_type", "type"):
        older = config | {"rope_theta": theta, "rope_scaling": scaling | {kind: "llama3"}}
        assert LlamaConfig.of(older) == today
    assert LlamaConfig.of(config).rope == {"rope_type": "default", "rope_theta": 10_000.0}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", ["plain", "biases"])
def test_a_saved_adapter_gives_peft_the_same_logits_and_gradients(
    saved: Callable[..., Path], tmp_path: Path, variant: str, kind: str
) -> None:
    base = saved(**KINDS[kind])
    model = stirred(AdaptedModel(base, parse(EXACT | VARIANTS[variant]), CPU))
    model.save_adapter(tmp_path / "adapter")
    peft = theirs(base, tmp_path / "adapter", trainable=True)

    ours, expected = logits_of(model, IDS), peft(input_ids=IDS).logits
    assert torch.allclose(ours, expected, atol=1e-4)
    with torch.no_grad(), model.evaluating(adapter=False):
        assert (logits_of(model, IDS) - expected).abs().max() > 0.1

    for logits in (ours, expected):
        logits.square().sum().backward()
    wanted = {name: p.grad for name, p in peft.named_parameters() if p.grad is not None}
    assert len(wanted) == len(model.adapter)
    for name, parameter in model.adapter.items():
        module, _, kind_of = name.rpartition(".lora_")
        suffix = ".default.weight"
        theirs_name = f"base_model.model.{module}.lora_{kind_of.removesuffix('.weight')}{suffix}"
        assert parameter.grad is not None
        scale = float(wanted[theirs_name].abs().max())
        assert torch.allclose(parameter.grad, wanted[theirs_name], atol=1e-4 * scale), name


def test_the_settings_of_a_saved_adapter_are_what_peft_understands(
    saved: Callable[..., Path], tmp_path: Path
) -> None:
    settings = {"use_rslora": "True", "lora_r": "4", "lora_alpha": "6.5", "lora_dropout": "0.1"}
    AdaptedModel(saved(), parse(settings), CPU).save_adapter(tmp_path / "adapter")
    read = LoraConfig.from_pretrained(str(tmp_path / "adapter"))
    wanted = LoraConfig(
        r=4,
        lora_alpha=6.5,  # type: ignore[arg-type]
        lora_dropout=0.1,
        use_rslora=True,
        target_modules=["q_proj", "v_proj"],
        task_type="CAUSAL_LM",
        inference_mode=True,
        base_model_name_or_path="base-model",
    )
    assert read.to_dict() == wanted.to_dict()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_fresh_adapter_is_the_one_that_peft_makes_from_this_seed(
    saved: Callable[..., Path], tmp_path: Path, variant: str
) -> None:
    base, settings = saved(), parse(EXACT | VARIANTS[variant])
    AdaptedModel(base, settings, CPU).save_adapter(tmp_path / "ours")
    torch.manual_seed(settings.seed)
    config = LoraConfig(
        r=8,
        lora_alpha=32,
        target_modules=list(settings.target_modules),
        use_dora=settings.use_dora,
        task_type="CAUSAL_LM",
    )
    get_peft_model(theirs(base), config).save_pretrained(tmp_path / "theirs")
    ours, expected = (load_file(tmp_path / side / "adapter_model.safetensors") for side in ("ours", "theirs"))
    assert ours.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.allclose(ours[name], tensor, atol=1e-6), name
        assert "lora_A" not in name or torch.equal(ours[name], tensor)


def test_continuations_are_those_of_transformers_generate(weights: Path) -> None:
    base, tokenizer = theirs(weights), AutoTokenizer.from_pretrained(weights)
    texts = ["Net", "Net revenue rose by 4 percent on higher", "Credit losses of"]
    prompts = [Prompt(text, 12) for text in texts]
    writer = Writer(
        load_tokenizer(weights), seed=1, batch_size=4, world=World(0, 1, CPU), on_batch=lambda: None
    )
    model = AdaptedModel(weights, parse({"precision": "fp32"}), CPU)
    written = writer.write(model, prompts, adapter=False)
    for prompt in prompts:
        ids = tokenizer(prompt.text, return_tensors="pt")["input_ids"]
        rows = base.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        expected = tokenizer.decode(rows[0, ids.shape[1] :], skip_special_tokens=True).strip()
        assert written[prompt] == expected


def test_adamw_is_pytorchs() -> None:
    chance = torch.Generator().manual_seed(5)
    ours, plain = (
        [torch.nn.Parameter(torch.ones(7, 3)), torch.nn.Parameter(torch.full((5,), 2.0))] for _ in range(2)
    )
    mine = AdamW([Group(ours[:1], 0.1), Group(ours[1:], 0.4)], weight_decay=0.1)
    groups = [{"params": plain[:1], "lr": 0.1}, {"params": plain[1:], "lr": 0.4}]
    other = torch.optim.AdamW(groups, weight_decay=0.1)
    for factor in (0.0, 0.5, 1.0, 0.25):
        for mine_p, plain_p in zip(ours, plain, strict=True):
            mine_p.grad = torch.randn(mine_p.shape, generator=chance)
            plain_p.grad = mine_p.grad.clone()
        for group, peak in zip(other.param_groups, (0.1, 0.4), strict=True):
            group["lr"] = factor * peak
        mine.step(factor)
        other.step()
    for mine_p, plain_p in zip(ours, plain, strict=True):
        assert torch.equal(mine_p, plain_p)
        assert mine_p.grad is None
        for name in ("exp_avg", "exp_avg_sq"):
            assert torch.equal(mine.state[mine_p][name], other.state[plain_p][name])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rope_type is 'yarn'"),
        ({"num_key_value_heads": 3}, "do not divide"),
        ({"hidden_size": "wide"}, "hidden_size is 'wide'"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"num_hidden_layers": 10**9}, "from 1 to 1024"),
        ({"head_dim": 8.5}, "head_dim is 8.5"),
        ({"rope_parameters": ["default"]}, "cannot be used"),
        ({"rope_parameters": {"rope_type": "linear"}}, "'factor' is missing"),
        ({"rope_parameters": {"rope_type": ["linear"]}}, "cannot be used"),
    ],
    ids=str,
)
def test_a_base_of_another_kind_is_refused_with_what_is_supported(
    weights: Path, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(TrainingFailure, match=reason):
        LlamaConfig.of(base_config(weights) | change)
    with pytest.raises(TrainingFailure, match="vocab_size"):
        LlamaConfig.of({name: v for name, v in base_config(weights).items() if name != "vocab_size"})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(ROPE_NAMES), inner),
    max_leaves=8,
)


@given(name=st.sampled_from([*SIZES, "head_dim", "num_key_value_heads", *ROPE_NAMES]), value=anything)
def test_whatever_a_config_says_is_read_or_refused_with_a_reason(name: str, value: Any) -> None:
    try:
        read = LlamaConfig.of(SIZES | {name: value})
    except TrainingFailure as refused:
        assert "config.json cannot be used: " in str(refused)
    else:
        assert inverse_frequencies(read.rope, read.head_dim).shape == (read.head_dim // 2,)


def test_layers_that_config_json_does_not_name_are_refused(weights: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(weights, base)
    file = base / "model.safetensors"
    tensors = load_file(file)
    old = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}  # as Llama 2's first files have it
    save_file(tensors | old, file)
    AdaptedModel(base, parse({}), CPU)
    save_file(tensors | {"model.layers.2.mlp.up_proj.weight": torch.ones(48, 32)}, file)
    with pytest.raises(TrainingFailure, match=r"no place for model\.layers\.2\.mlp"):
        AdaptedModel(base, parse({}), CPU)


def test_a_first_step_needs_neither_transformers_nor_peft_nor_the_compiler(weights: Path) -> None:
    program = """
import sys, torch
from pathlib import Path
import training.job.pipeline
from training.data.batches import collate
from core.hyperparameters import parse
from training.model.model import AdaptedModel
from training.loop.optimizer import make_optimizer
from training.data.packing import TokenizedDocument, pack
from training.data.tokenizer import load_tokenizer
base = Path(sys.argv[1])
load_tokenizer(base)
model = AdaptedModel(base, parse({}), torch.device("cpu"))
optimizer = make_optimizer(model.adapter, parse({}))
model.loss(collate(pack([TokenizedDocument(0, list(range(40)))], 64), model.device)).backward()
optimizer.step(1.0)
slow = ("transformers", "peft", "accelerate", "torch._dynamo", "sympy", "scipy")
print(*[name for name in slow if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(weights)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
