"""A base in int8 (LLM.int8) or int4 (NF4, as in QLoRA), by bitsandbytes where the container has it."""

from typing import Any

import torch
from torch import nn

from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters
from training.model.llama.decoder import Llama

#: LLM.int8's: inputs with a larger number are multiplied in the base's format.
_OUTLIER = 6.0


def refuse_without_gpu(hyperparameters: Hyperparameters, device: torch.device) -> None:
    """Raise TrainingFailure for int4 on a CPU."""
    # bitsandbytes 0.50 lets no gradient through there once a model has been evaluated.
    if hyperparameters.load_in_4bit and device.type != "cuda":
        raise TrainingFailure(
            "load_in_4bit is True, and this instance has no GPU",
            where="hyperparameters",
            remedy="Set load_in_4bit to False, or train on an instance with a GPU",
        )


def quantize(base: Llama, *, four_bits: bool, precision: torch.dtype, device: torch.device) -> None:
    """Put quantized layers on ``device`` in place of all linear ones but the output layer, one by one."""
    from bitsandbytes import nn as quantized  # only where it is wanted

    for name, linear in list(base.model.layers.named_modules()):
        if not isinstance(linear, nn.Linear):
            continue
        sizes = (linear.in_features, linear.out_features, linear.bias is not None)
        replacement: Any
        if four_bits:
            options = {"compress_statistics": True, "quant_type": "nf4"}
            replacement = quantized.Linear4bit(*sizes, compute_dtype=precision, device="meta", **options)
            replacement.weight = quantized.Params4bit(linear.weight.data, requires_grad=False, **options)
        else:
            replacement = quantized.Linear8bitLt(
                *sizes, has_fp16_weights=False, threshold=_OUTLIER, device="meta"
            )
            replacement.weight = quantized.Int8Params(
                linear.weight.data, requires_grad=False, has_fp16_weights=False
            )
        if linear.bias is not None:
            replacement.bias = linear.bias
        base.model.layers.set_submodule(name, replacement.requires_grad_(False).to(device))


def dense_weight(linear: Any) -> torch.Tensor:
    """The weight [out, in] of a linear layer, quantized or not."""
    kind = type(linear.weight).__name__
    if kind == "Params4bit":
        from bitsandbytes.functional import dequantize_4bit

        return dequantize_4bit(linear.weight.data, linear.weight.quant_state)  # type: ignore[no-any-return]
    if kind == "Int8Params":
        from bitsandbytes.functional import int8_vectorwise_dequant

        scales = linear.weight.SCB if linear.state.SCB is None else linear.state.SCB
        return int8_vectorwise_dequant(linear.weight.data, scales)  # type: ignore[no-any-return]
    weight: torch.Tensor = linear.weight
    return weight
