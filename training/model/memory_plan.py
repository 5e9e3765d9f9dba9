"""What a training step needs of memory, and how many layers are recomputed so that it fits. Arithmetic only.

What the forward pass leaves behind for the backward pass is counted tensor by tensor below; tests compare the
count with what PyTorch really saves. Llama 2 7B with the recipe leaves 126 kB a token and layer in bf16
(transformers and PEFT as they come: 184 kB). Layers that do not fit are recomputed from their input, so that
time is lost only where memory is short. The command line asks here whether a job will fit at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.hyperparameters import Hyperparameters

#: Share of free memory that is planned with: allocators lose some to fragments, and others use some.
USABLE = {"cuda": 0.92, "cpu": 0.8}
#: Positions whose logits exist at a time (see training/model/cross_entropy.py).
LOGIT_CHUNK = 512
FP32_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """Sizes of a Llama and of its adapter. ``element``: bytes a number of the base's format takes."""

    layers: int
    hidden: int
    intermediate: int
    query: int
    key_value: int
    vocabulary: int
    element: int
    target_modules: Sequence[str]
    rank: int
    dropout: bool
    dora: bool

    @classmethod
    def of(cls, config: Any, hyperparameters: Hyperparameters, element: int) -> "LayerShape":
        """From a LlamaConfig, or anything with the fields of a config.json, and the settings."""
        heads = config.num_attention_heads
        head = getattr(config, "head_dim", None) or config.hidden_size // heads
        return cls(
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            intermediate=config.intermediate_size,
            query=head * heads,
            key_value=head * (getattr(config, "num_key_value_heads", None) or heads),
            vocabulary=config.vocab_size,
            element=element,
            target_modules=hyperparameters.target_modules,
            rank=hyperparameters.lora_r,
            dropout=hyperparameters.lora_dropout > 0,
            dora=hyperparameters.use_dora,
        )

    @property
    def saved_bytes(self) -> int:
        """Bytes that one token leaves in one layer.

        Both norms keep their input; attention its query, key, value (repeated to the query's heads) and
        result; SwiGLU gate and up; LoRA what enters it, with dropout
        once for each module and with a mask. DoRA keeps two results of each module besides.
        """
        numbers = 2 * self.hidden + 4 * self.query + 2 * self.intermediate
        entering = {
            "q_proj": ("attention", self.hidden),
            "k_proj": ("attention", self.hidden),
            "v_proj": ("attention", self.hidden),
            "o_proj": ("attention result", 0),
            "gate_proj": ("mlp", self.hidden),
            "up_proj": ("mlp", self.hidden),
            "down_proj": ("mlp product", self.intermediate),
        }
        leaving = {
            "q_proj": self.query,
            "k_proj": self.key_value,
            "v_proj": self.key_value,
            "gate_proj": self.intermediate,
            "up_proj": self.intermediate,
        }
        if self.dropout:
            dropped = dict(entering, o_proj=("", self.query))
            numbers += sum(2 * dropped[name][1] for name in self.target_modules)
        else:
            numbers += sum(dict(entering[name] for name in self.target_modules).values())
        numbers += self.rank * len(self.target_modules)
        if self.dora:
            numbers += sum(2 * leaving.get(name, self.hidden) for name in self.target_modules)
        return numbers * self.element

    def adapter_parameters(self) -> int:
        """Trainable numbers of a LoRA adapter: rank × (in + out) for each module of each layer."""
        sides = {
            "q_proj": self.hidden + self.query,
            "k_proj": self.hidden + self.key_value,
            "v_proj": self.hidden + self.key_value,
            "o_proj": self.query + self.hidden,
            "gate_proj": self.hidden + self.intermediate,
            "up_proj": self.hidden + self.intermediate,
            "down_proj": self.intermediate + self.hidden,
        }
        return self.layers * self.rank * sum(sides[name] for name in self.target_modules)

    def passing_bytes(self) -> int:
        """Bytes a token needs for a moment in the backward pass of one layer: gradients on their way."""
        return (3 * self.intermediate + 4 * self.hidden) * self.element

    def fixed_bytes(self, trainable: int) -> int:
        """Bytes that do not grow with the batch: a chunk of logits, gradients and moments of the adapter."""
        logits = LOGIT_CHUNK * self.vocabulary * (2 * FP32_BYTES + self.element)
        return logits + 3 * trainable * FP32_BYTES


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """``recomputed``: how many of the first layers are recomputed; ``predicted``: the peak in bytes then."""

    recomputed: int
    predicted: int
    available: int

    @property
    def fits(self) -> bool:
        """Whether the predicted peak stays within what is available."""
        return self.predicted <= self.available


def plan_memory(
    shape: LayerShape,
    *,
    batch_tokens: int,
    trainable: int,
    used: int,
    free: int,
    usable: float,
    setting: str = "auto",
) -> MemoryPlan:
    """Recompute as few layers as possible; all or none where ``setting`` is "true" or "false".

    Args:
        batch_tokens: in one forward pass, padding included.
        trainable: number of adapter parameters.
        used: bytes in use before the first batch (weights and program).
        free: bytes that may still be used; ``usable`` is the share of them to plan with.
    """
    saved, entrance = shape.saved_bytes, shape.hidden * shape.element
    fixed = shape.fixed_bytes(trainable) + batch_tokens * (
        shape.passing_bytes() + shape.hidden * (shape.element + FP32_BYTES)
    )
    available = used + int(free * usable)

    def peak(recomputed: int) -> int:
        again = saved if recomputed else 0  # one layer at a time is there a second time
        kept = (shape.layers - recomputed) * saved + recomputed * entrance + again
        return used + fixed + batch_tokens * kept

    choices = {"true": [shape.layers], "false": [0]}.get(setting, list(range(shape.layers + 1)))
    best = next((n for n in choices if peak(n) <= available), min(choices, key=peak))
    return MemoryPlan(best, peak(best), available)


def describe_plan(plan: MemoryPlan, layers: int) -> str:
    """The choice in words, for the log."""
    gib = 1 << 30
    choice = f"{plan.recomputed} of {layers} layers are recomputed" if plan.recomputed else "no recomputation"
    short = "" if plan.fits else "; that may not fit, lower per_device_train_batch_size or max_input_length"
    return (
        f"{choice}: peak memory is predicted as {plan.predicted / gib:.2f} GiB"
        f" of {plan.available / gib:.2f} GiB{short}"
    )
