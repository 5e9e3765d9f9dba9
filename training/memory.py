"""How many layers must be recomputed in the backward pass so that a batch fits into memory.

What the forward pass leaves behind for the backward pass is counted tensor by tensor below; tests compare the
count with what PyTorch really saves. Llama 2 7B with the recipe leaves 128 kB a token and layer in bf16
(transformers and PEFT as they come: 184 kB). Layers that do not fit are recomputed from their input, so that
time is lost only where memory is short.
"""

import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.cross_entropy import CHUNK
from training.hyperparameters import Hyperparameters
from training.model import AdaptedModel

#: Share of free memory that is planned with: allocators lose some to fragments, and others use some.
USABLE = {"cuda": 0.92, "cpu": 0.8}
FP32_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """Sizes of a Llama and of its adapter. ``element``: bytes a number of the base's format takes."""

    layers: int
    hidden: int
    intermediate: int
    query: int
    vocabulary: int
    element: int
    target_modules: Sequence[str]
    rank: int
    dropout: bool
    dora: bool

    @classmethod
    def of(cls, config: Any, hyperparameters: Hyperparameters, element: int) -> "LayerShape":
        """From transformers' LlamaConfig and the job's settings."""
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return cls(
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            intermediate=config.intermediate_size,
            query=head * config.num_attention_heads,
            vocabulary=config.vocab_size,
            element=element,
            target_modules=hyperparameters.target_modules,
            rank=hyperparameters.lora_r,
            dropout=hyperparameters.lora_dropout > 0,
            dora=hyperparameters.use_dora,
        )

    def saved_bytes(self, row_length: int) -> int:
        """Bytes that one token leaves in one layer, in rows of ``row_length`` tokens.

        Both norms keep their input; attention its query, key, value (repeated to the query's heads) and
        result, and its mask a row of ``row_length``; SwiGLU gate and up; LoRA what enters it, with dropout
        once for each module and with a mask. DoRA keeps three results of each module besides.
        """
        numbers = 2 * self.hidden + 4 * self.query + 2 * self.intermediate + row_length
        entering = {
            "q_proj": ("attention", self.hidden),
            "k_proj": ("attention", self.hidden),
            "v_proj": ("attention", self.hidden),
            "o_proj": ("attention result", 0),
            "gate_proj": ("mlp", self.hidden),
            "up_proj": ("mlp", self.hidden),
            "down_proj": ("mlp product", self.intermediate),
        }
        leaving = {"gate_proj": self.intermediate, "up_proj": self.intermediate}
        if self.dropout:
            dropped = dict(entering, o_proj=("", self.query))
            numbers += sum(2 * dropped[name][1] for name in self.target_modules)
        else:
            numbers += sum(dict(entering[name] for name in self.target_modules).values())
        numbers += self.rank * len(self.target_modules)
        if self.dora:
            numbers += sum(3 * leaving.get(name, self.hidden) for name in self.target_modules)
        return numbers * self.element

    def passing_bytes(self) -> int:
        """Bytes a token needs for a moment in the backward pass of one layer: gradients on their way."""
        return (3 * self.intermediate + 4 * self.hidden) * self.element

    def fixed_bytes(self, trainable: int) -> int:
        """Bytes that do not grow with the batch: a chunk of logits, gradients and moments of the adapter."""
        logits = CHUNK * self.vocabulary * (2 * FP32_BYTES + self.element)
        return logits + 3 * trainable * FP32_BYTES


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """``recomputed``: so many layers, the first ones; ``predicted``: the peak in bytes that goes with it."""

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
    row_length: int,
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
    saved, entrance = shape.saved_bytes(row_length), shape.hidden * shape.element
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


def fit_layers(model: AdaptedModel, hyperparameters: Hyperparameters, row_length: int) -> MemoryPlan:
    """Decide which layers of ``model`` are recomputed, from what is free now, and set them so."""
    chosen = plan_memory(
        LayerShape.of(model.model.config, hyperparameters, model.precision.itemsize),
        batch_tokens=hyperparameters.per_device_train_batch_size * row_length,
        row_length=row_length,
        trainable=sum(p.numel() for p in model.adapter.values()),
        used=used_bytes(model.device),
        free=free_bytes(model.device),
        usable=USABLE[model.device.type],
        setting=hyperparameters.gradient_checkpointing,
    )
    model.recompute(chosen.recomputed)
    return chosen


def free_bytes(device: torch.device) -> int:
    """Bytes that this process may still take: of the GPU (within its cap), or of the machine or container."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        fraction = getattr(torch.cuda, "get_per_process_memory_fraction", lambda device: 1.0)(device)
        return int(min(free + unused, total * fraction - torch.cuda.memory_allocated(device)))
    return machine_memory(Path("/proc/meminfo"), Path("/sys/fs/cgroup"))


def machine_memory(meminfo: Path, cgroup: Path) -> int:
    """Bytes that the machine has to give, less where a control group (a container) allows less.

    Where neither file exists (macOS), half of the physical memory.
    """
    limits = []
    if meminfo.is_file():
        line = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable"))
        limits.append(int(line.split()[1]) * 1024)
    for limit, current in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            limits.append(int((cgroup / limit).read_text()) - int((cgroup / current).read_text()))
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
    return min(limits) if limits else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def used_bytes(device: torch.device) -> int:
    """Bytes in use now: tensors on the GPU, or the process's peak so far (the kernel keeps no better one)."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else peak_bytes(device)


def peak_bytes(device: torch.device) -> int:
    """The most bytes that were in use so far: on the GPU, or of the process on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def describe_plan(plan: MemoryPlan, layers: int) -> str:
    """The choice in words, for the log."""
    gib = 1 << 30
    choice = f"{plan.recomputed} of {layers} layers are recomputed" if plan.recomputed else "no recomputation"
    short = "" if plan.fits else "; that may not fit, lower per_device_train_batch_size or max_input_length"
    return (
        f"{choice}: peak memory is predicted as {plan.predicted / gib:.2f} GiB"
        f" of {plan.available / gib:.2f} GiB{short}"
    )
