"""What a Llama layer does besides matrix products and attention: RMSNorm, SwiGLU, rotation by position.

On a GPU whose container has Liger, its Triton kernels are used. Elsewhere the functions below: they give the
numbers of transformers' own modules in the forward pass, and keep less for the backward pass (the norm its
input in the base's format and not twice in fp32, SwiGLU two of its three products). All know that the base is
frozen, so there is no gradient for its weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(x, weight, scale)
        return weight * (wide * scale).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        x, weight, scale = ctx.saved_tensors
        gradient = (upstream[0] * weight).float()
        normed = x.float() * scale
        mean = (gradient * normed).mean(-1, keepdim=True)
        return ((gradient - normed * mean) * scale).to(x.dtype), None, None


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(gate, up)
        return F.silu(gate) * up

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gate, up = ctx.saved_tensors
        (gradient,) = upstream
        for_up = gradient * F.silu(gate)
        for_gate = torch.ops.aten.silu_backward(gradient * up, gate)
        return for_gate, for_up


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    """``x`` [..., D] divided by its root mean square, times ``weight`` [D]; differentiable in ``x`` only."""
    normed: torch.Tensor = _RMSNorm.apply(x, weight, eps)  # type: ignore[no-untyped-call]
    return normed


def swiglu(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """silu(gate) · up, elementwise."""
    product: torch.Tensor = _SwiGLU.apply(gate, up)  # type: ignore[no-untyped-call]
    return product


def rotate(
    query: torch.Tensor, key: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Query [B, H, T, D] and key [B, G, T, D] turned by their positions; ``cos`` and ``sin`` [B, T, D]."""
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return query * cos + _halves(query) * sin, key * cos + _halves(key) * sin


def _halves(x: torch.Tensor) -> torch.Tensor:
    """The second half negated and put first: Llama in Hugging Face layout pairs number i with i + D/2."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


@dataclass(frozen=True, slots=True)
class Kernels:
    """The functions to use, with the signatures of those above; ``name`` is for the log."""

    name: str = "PyTorch kernels"
    rms_norm: Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor] = rms_norm
    swiglu: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = swiglu
    rotate: Callable[..., tuple[torch.Tensor, torch.Tensor]] = rotate


def choose_kernels(device: torch.device) -> Kernels:
    """Liger's on a GPU where it is installed (without its loss: :mod:`training.model.cross_entropy`)."""
    if device.type != "cuda":
        return Kernels()
    try:
        liger = import_module("liger_kernel.transformers.functional")
    except ImportError:
        return Kernels()
    return Kernels("Liger kernels", liger.liger_rms_norm, liger.liger_swiglu, liger.liger_rope)
