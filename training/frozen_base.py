"""Loading the frozen base: mapped from its files where the format fits, quantized where asked for."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from training.attention import register
from training.failures import TrainingFailure
from training.hyperparameters import Hyperparameters


def choose_precision(setting: str, device: torch.device) -> torch.dtype:
    """The base's number format: as set, or bf16 where the hardware multiplies it natively, else fp32."""
    if setting != "auto":
        return torch.bfloat16 if setting == "bf16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    native = any(
        getattr(torch.cpu, name, lambda: False)()
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    return torch.bfloat16 if native else torch.float32


def load_base(
    folder: Path, precision: torch.dtype, device: torch.device, hyperparameters: Hyperparameters
) -> Any:
    """transformers' Llama with the weights in ``folder``, frozen.

    Weights that are stored in ``precision`` stay in the files' pages until they go to the GPU; on a CPU they
    are computed with where they lie. Raises TrainingFailure if the files cannot be read or do not fit.
    """
    try:
        base, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=precision,
            attn_implementation=register(),
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # so that the report names them, and we say it in our words
            **_quantization(hyperparameters, precision, device),
        )
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        what = f"the base weights cannot be loaded ({(str(error).splitlines() or [type(error).__name__])[0]})"
        raise TrainingFailure(what, where="channel model", remedy="Copy the weights again, whole") from error
    mismatched = (entry[0] if isinstance(entry, tuple) else entry for entry in report["mismatched_keys"])
    wrong = sorted({*report["missing_keys"], *mismatched})
    if wrong:
        names = ", ".join(wrong[:3])
        what = f"the weights do not fit config.json; missing or of another shape: {names}"
        raise TrainingFailure(
            what, where="channel model", remedy="Put config.json and weights of one model together"
        )
    return base.requires_grad_(False)


def _quantization(
    hyperparameters: Hyperparameters, precision: torch.dtype, device: torch.device
) -> dict[str, Any]:
    """What from_pretrained takes for a base in int8 (LLM.int8) or int4 (NF4, as in QLoRA)."""
    if not (hyperparameters.int8_quantization or hyperparameters.load_in_4bit):
        return {}
    if hyperparameters.load_in_4bit and device.type != "cuda":
        # bitsandbytes 0.50 lets no gradient through on a CPU once a model has been evaluated.
        raise TrainingFailure(
            "load_in_4bit is True, and this instance has no GPU",
            where="hyperparameters",
            remedy="Set load_in_4bit to False, or train on an instance with a GPU",
        )
    from transformers import BitsAndBytesConfig  # only where it is wanted

    config = BitsAndBytesConfig(
        load_in_8bit=hyperparameters.int8_quantization,
        load_in_4bit=hyperparameters.load_in_4bit,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=precision,
    )
    return {"quantization_config": config, "device_map": {"": device}}
