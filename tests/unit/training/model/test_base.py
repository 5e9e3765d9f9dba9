"""What the trainer loads, and what it leaves: checked configurations, PEFT's adapters, refused weights."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel
from safetensors.torch import load_file, save_file
from transformers import AttentionInterface, AutoModelForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from core.failures import TrainingFailure
from core.hyperparameters import parse
from tests.fakes.training_jobs import logits_of, stirred
from training.model.attention import PACKED_ON_CPU
from training.model.model import AdaptedModel
from training.model.weights import base_config, model_config

CPU = torch.device("cpu")
IDS = torch.randint(3, 90, (2, 40), generator=torch.Generator().manual_seed(4))
SIZES = {
    "model_type": "llama",
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 56,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
ROPE_NAMES = ["rope_parameters", "rope_scaling", "rope_theta", "rope_type", "factor"]
EXACT = {"precision": "fp32", "lora_dropout": "0"}
VARIANTS: dict[str, dict[str, str]] = {
    "LoRA": {},
    "rsLoRA": {"use_rslora": "True", "target_modules": "all-linear"},
    "DoRA": {"use_dora": "True", "target_modules": "q_proj,down_proj"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_saved_adapter_gives_peft_the_same_logits(weights: Path, tmp_path: Path, variant: str) -> None:
    model = stirred(AdaptedModel(weights, parse(EXACT | VARIANTS[variant]), CPU))
    model.save_adapter(tmp_path / "adapter")
    plain = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32)
    peft = PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).eval()
    with torch.no_grad(), model.evaluating(adapter=True):
        expected = peft(input_ids=IDS).logits
        assert torch.allclose(logits_of(model, IDS), expected, atol=1e-4)
    with torch.no_grad(), model.evaluating(adapter=False):
        assert (logits_of(model, IDS) - expected).abs().max() > 0.01


def test_the_settings_of_a_saved_adapter_are_what_peft_understands(weights: Path, tmp_path: Path) -> None:
    settings = {"use_rslora": "True", "lora_r": "4", "lora_alpha": "6.5", "lora_dropout": "0.1"}
    AdaptedModel(weights, parse(settings), CPU).save_adapter(tmp_path / "adapter")
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "bert-like"}, "model_type 'bert-like'"),
        ({"model_type": ["llama"]}, "model_type"),
        ({"num_key_value_heads": 3}, "no multiple of num_key_value_heads 3"),
        ({"hidden_size": "wide"}, "cannot be used"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"num_hidden_layers": 10**9}, "from 1 to 1024"),
        ({"head_dim": 8.5}, "cannot be used"),
        ({"rope_parameters": ["default"]}, "cannot be used"),
    ],
    ids=str,
)
def test_a_config_that_cannot_be_is_refused(weights: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(TrainingFailure, match=reason):
        model_config(base_config(weights) | change)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(ROPE_NAMES), inner),
    max_leaves=8,
)


@given(name=st.sampled_from([*SIZES, "head_dim", "num_key_value_heads", *ROPE_NAMES]), value=anything)
def test_whatever_a_config_says_is_read_or_refused_with_a_reason(name: str, value: Any) -> None:
    try:
        read = model_config(SIZES | {name: value})
    except TrainingFailure as refused:
        assert "config.json " in str(refused)
    else:
        assert read.num_attention_heads > 0


def test_layers_that_config_json_does_not_name_are_refused(weights: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(weights, base)
    file = base / "model.safetensors"
    tensors = load_file(file)
    old = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}  # as Llama 2's first files have it
    save_file(tensors | old, file, {"format": "pt"})
    AdaptedModel(base, parse({}), CPU)
    save_file(tensors | {"model.layers.2.mlp.up_proj.weight": torch.ones(48, 32)}, file, {"format": "pt"})
    with pytest.raises(TrainingFailure, match=r"no place for model\.layers\.2\.mlp"):
        AdaptedModel(base, parse({}), CPU)


def test_target_modules_that_the_base_lacks_are_refused_with_what_to_do(weights: Path) -> None:
    with pytest.raises(TrainingFailure, match="all-linear"):
        AdaptedModel(weights, parse({"target_modules": "fc1"}), CPU)


def test_a_family_that_cannot_be_packed_is_refused(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def over_documents(*states: Any, document_lengths: Any = None, **options: Any) -> Any:
        return sdpa_attention_forward(*states, **options)

    monkeypatch.setitem(AttentionInterface._global_mapping, PACKED_ON_CPU, over_documents)
    with pytest.raises(TrainingFailure, match="packed rows"):
        AdaptedModel(weights, parse(EXACT), CPU)
