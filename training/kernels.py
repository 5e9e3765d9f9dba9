"""Faster, leaner forms of what a Llama layer does besides matrix products: RMSNorm and SwiGLU.

On a GPU whose container has Liger, its Triton kernels are used. Elsewhere the two functions below: they give
the numbers of transformers' own modules in the forward pass, and keep less for the backward pass (the norm
its input in the base's format and not twice in fp32, SwiGLU two of its three products). Both know that the
base is frozen, so there is no gradient for its weights. LoRA's dropout stays PEFT's on either path.
"""

from importlib import import_module
from types import MethodType
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


def install(base: Any, device: torch.device) -> str:
    """Let ``base`` (transformers' Llama) use fused kernels; gives their name for the log."""
    if device.type == "cuda" and _apply_liger(base):
        return "Liger kernels"
    norms = [base.model.norm]
    for layer in base.model.layers:
        norms += [layer.input_layernorm, layer.post_attention_layernorm]
        if base.config.hidden_act == "silu":
            layer.mlp.forward = MethodType(_mlp_forward, layer.mlp)
    for norm in norms:
        norm.forward = MethodType(_norm_forward, norm)
    return "PyTorch kernels"


def _apply_liger(base: Any) -> bool:
    """Liger's norm, SwiGLU and rotary kernels; its loss is not needed (see :mod:`training.cross_entropy`)."""
    try:
        liger = import_module("liger_kernel.transformers")
    except ImportError:
        return False
    liger.apply_liger_kernel_to_llama(
        model=base,
        rope=True,
        rms_norm=True,
        swiglu=True,
        cross_entropy=False,
        fused_linear_cross_entropy=False,
    )
    return True


def _norm_forward(norm: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    return rms_norm(hidden_states, norm.weight, norm.variance_epsilon)


def _mlp_forward(mlp: Any, x: torch.Tensor) -> torch.Tensor:
    projected: torch.Tensor = mlp.down_proj(swiglu(mlp.gate_proj(x), mlp.up_proj(x)))
    return projected
