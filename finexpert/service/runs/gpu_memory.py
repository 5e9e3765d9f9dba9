"""Does a fine-tune fit into one GPU of an instance? By the trainer's own arithmetic, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

from core.hyperparameters import Hyperparameters
from training.model.memory_plan import FP32_BYTES, USABLE, LayerShape, MemoryPlan, plan_memory

GIB = 1 << 30
HALF_BYTES = 2
CONTEXT_BYTES = GIB // 2  # CUDA's own: about that much on an A10G

GPU_GIB: Mapping[str, int] = {
    "p3": 16,
    "g4dn": 16,
    "g5": 24,
    "g6": 24,
    "g6e": 48,
    "p4d": 40,
    "p4de": 80,
    "p5": 80,
}
"""Nominal memory of one GPU by instance family (EC2's instance type pages)."""

LLAMA_2_7B: Mapping[str, int] = {
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "vocab_size": 32000,
    "num_attention_heads": 32,
}
"""What its config.json says of its shape."""
LLAMA_2_7B_BYTES = 6_738_415_616 * HALF_BYTES


def fit(
    config: Mapping[str, int], weight_bytes: int, recipe: Hyperparameters, instance_type: str
) -> MemoryPlan | None:
    """How one optimizer step fits into one GPU of the instance; None for a type whose GPUs are not known.

    Args:
        config: a Llama's config.json.
        weight_bytes: size of its safetensors files, which is what the weights take on the GPU.

    Raises:
        AttributeError: `config` lacks a size.
    """
    nominal = GPU_GIB.get(instance_type.removeprefix("ml.").partition(".")[0])
    if nominal is None:
        return None
    shape = LayerShape.of(SimpleNamespace(**config), recipe, HALF_BYTES)
    trainable = shape.adapter_parameters()
    used = CONTEXT_BYTES + weight_bytes + trainable * FP32_BYTES
    return plan_memory(
        shape,
        batch_tokens=recipe.per_device_train_batch_size * recipe.input_length,
        trainable=trainable,
        used=used,
        # Of 24 GiB an A10G has 22.19 free before anything runs, which is about the planned share already.
        free=int(nominal * GIB * USABLE["cuda"]) - used,
        usable=1.0,
        setting=recipe.gradient_checkpointing,
    )
