"""Does a fine-tune fit into one GPU? Arithmetic only; the trainer itself measures and adapts when it runs.

What must fit: the weights in bf16; the adapter in fp32 with its gradient and Adam's two moments; for each
token of a batch the input of every layer, one layer's inner activations, and the logits. A layer whose inner
activations are not kept is computed again in the backward pass; at best all are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GIB = 1 << 30
HALF, SINGLE = 2, 4
ADAM_COPIES = 4  # the parameter, its gradient, two moments
CONTEXT_BYTES = GIB // 2  # CUDA's own: about that much on an A10G
USABLE = 0.92  # of the nominal memory: an A10G of 24 GiB has 22.19 GiB free before anything runs

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


@dataclass(frozen=True)
class Shape:
    """Sizes of a Llama, as its config.json tells them."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    key_value: int
    weights: int

    @classmethod
    def of(cls, config: Mapping[str, Any], weights: int) -> Shape:
        """From config.json and the bytes of the safetensors files.

        Raises:
            KeyError: config.json is not a Llama's.
        """
        heads = int(config["num_attention_heads"])
        head = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
        return cls(
            layers=int(config["num_hidden_layers"]),
            hidden=int(config["hidden_size"]),
            intermediate=int(config["intermediate_size"]),
            vocabulary=int(config["vocab_size"]),
            key_value=int(config.get("num_key_value_heads") or heads) * head,
            weights=weights,
        )


LLAMA_2_7B = Shape(
    layers=32, hidden=4096, intermediate=11008, vocabulary=32000, key_value=4096, weights=6_738_415_616 * HALF
)


@dataclass(frozen=True)
class Fit:
    """Bytes of one GPU: available, and needed with every layer recomputed and with none."""

    available: int
    least: int
    most: int

    @property
    def fits(self) -> bool:
        """Whether a step is possible at all."""
        return self.least <= self.available

    def __str__(self) -> str:
        need = f"{self.least / GIB:.1f} GiB with all layers recomputed, {self.most / GIB:.1f} GiB with none"
        return f"needs {need}; a GPU has {self.available / GIB:.1f} GiB"


def adapter_parameters(shape: Shape, target_modules: tuple[str, ...], rank: int) -> int:
    """Trainable numbers of a LoRA adapter: rank × (in + out) for each module of each layer."""
    sides = _sides(shape)
    return shape.layers * rank * sum(sum(sides[name]) for name in target_modules)


def _sides(shape: Shape) -> dict[str, tuple[int, int]]:
    """(in, out) of each linear layer of a Llama."""
    hidden, inner, narrow = shape.hidden, shape.intermediate, shape.key_value
    return {
        "q_proj": (hidden, hidden),
        "k_proj": (hidden, narrow),
        "v_proj": (hidden, narrow),
        "o_proj": (hidden, hidden),
        "gate_proj": (hidden, inner),
        "up_proj": (hidden, inner),
        "down_proj": (inner, hidden),
    }


def fit(
    shape: Shape, *, instance_type: str, target_modules: tuple[str, ...], rank: int, batch_tokens: int
) -> Fit | None:
    """How one optimizer step fits into one GPU of the instance; None for a type whose GPUs are not known.

    Args:
        batch_tokens: tokens in one forward pass: sequences × their length.
    """
    nominal = GPU_GIB.get(instance_type.removeprefix("ml.").partition(".")[0])
    if nominal is None:
        return None
    # Within a layer both norms, attention (query, key, value, result) and SwiGLU's two halves keep what they
    # were given, and each adapted module its input after dropout with the mask.
    entering = sum(2 * _sides(shape)[name][0] for name in target_modules)
    inner = (6 * shape.hidden + 2 * shape.intermediate + entering) * HALF
    entrances = shape.layers * shape.hidden * HALF
    logits = shape.vocabulary * (HALF + SINGLE)
    fixed = (
        CONTEXT_BYTES + shape.weights + adapter_parameters(shape, target_modules, rank) * SINGLE * ADAM_COPIES
    )
    least = fixed + batch_tokens * (entrances + inner + logits)
    return Fit(int(nominal * GIB * USABLE), least, least + batch_tokens * (shape.layers - 1) * inner)
