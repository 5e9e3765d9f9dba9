"""The formulas behind the bench's utilisation figures, held against PyTorch's own count."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM

from bench.training_flops import LlamaShape, hardware_flops, model_flops

SHAPE = LlamaShape(hidden=256, intermediate=688, layers=6, heads=4, key_value=128, vocabulary=1024)
LENGTH = 128
# Eager attention computes the half that the causal mask throws away; fused attention runs forward once more.
ATTENTION = 4.0 * SHAPE.hidden * SHAPE.layers * LENGTH
EAGER_EXTRA = (1 + 2) * ATTENTION - (1 + 2.5) * ATTENTION / 2


@pytest.fixture(scope="module")
def counted() -> tuple[float, float]:
    """Operations a token of a forward and of a backward pass, as PyTorch counts matrix products."""
    config = LlamaConfig(
        vocab_size=SHAPE.vocabulary,
        hidden_size=SHAPE.hidden,
        intermediate_size=SHAPE.intermediate,
        num_hidden_layers=SHAPE.layers,
        num_attention_heads=SHAPE.heads,
        num_key_value_heads=SHAPE.key_value * SHAPE.heads // SHAPE.hidden,
        attn_implementation="eager",
        use_cache=False,
    )
    adapter = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], lora_dropout=0.0)
    model = get_peft_model(LlamaForCausalLM(config), adapter)
    with FlopCounterMode(display=False) as forward:
        loss = model(input_ids=torch.zeros(1, LENGTH, dtype=torch.long)).logits.sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    return forward.get_total_flops() / LENGTH, backward.get_total_flops() / LENGTH


def test_model_flops_are_what_pytorch_counts(counted: tuple[float, float]) -> None:
    # The adapter adds half a percent; nothing flows back beyond the first layer's adapter, 2 % less.
    assert model_flops(SHAPE, LENGTH) + EAGER_EXTRA == pytest.approx(sum(counted), rel=0.02)


def test_recomputing_every_layer_costs_the_layers_forward_pass_again(counted: tuple[float, float]) -> None:
    forward, _ = counted
    again = hardware_flops(SHAPE, LENGTH, SHAPE.layers) - model_flops(SHAPE, LENGTH)
    head = 2.0 * SHAPE.hidden * SHAPE.vocabulary  # the output layer is not recomputed
    assert again + ATTENTION / 2 == pytest.approx(forward - head, rel=0.01)
    assert hardware_flops(SHAPE, LENGTH, 0) == model_flops(SHAPE, LENGTH)
