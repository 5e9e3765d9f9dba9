"""Loading the frozen base: mapped from its files where the format fits, quantized where asked for."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters
from training.model.attention import PACKED, PACKED_ON_CPU

_REMEDY = "Put config.json and weights of one model together"


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
    """Load transformers' model from ``folder``, frozen: on the CPU, but what is quantized on ``device``.

    Weights that are stored in ``precision`` stay in the files' pages until they go to the GPU; on a CPU they
    are computed with where they lie. Raises TrainingFailure if the files cannot be read or do not fit.
    """
    try:
        base, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=precision,
            attn_implementation=PACKED_ON_CPU if device.type == "cpu" else PACKED,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,  # the other format is pickles, which may run a stranger's code
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # so that the report names them
            **_quantization(hyperparameters, precision, device),
        )
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        what = f"the base weights cannot be loaded ({(str(error).splitlines() or [type(error).__name__])[0]})"
        raise TrainingFailure(what, where="channel model", remedy="Copy the weights again, whole") from error
    mismatched = [entry[0] if isinstance(entry, tuple) else entry for entry in report["mismatched_keys"]]
    if wrong := sorted({*report["missing_keys"], *mismatched}):
        what = f"the weights do not fit config.json; missing or of another shape: {', '.join(wrong[:3])}"
        raise TrainingFailure(what, where="channel model", remedy=_REMEDY)
    old = "rotary_emb.inv_freq"  # older files have it, and today's models compute it
    if unknown := sorted(name for name in report["unexpected_keys"] if not name.endswith(old)):
        what = f"the weights do not fit config.json, which has no place for {', '.join(unknown[:3])}"
        raise TrainingFailure(what, where="channel model", remedy=_REMEDY)
    return base.requires_grad_(False)


def use_liger(base: Any, device: torch.device) -> str:
    """Let ``base`` use Liger's kernels on a GPU that has them; returns which are used, for the log.

    Its loss is not needed (see :mod:`training.model.cross_entropy`).
    """
    if device.type != "cuda":
        return "PyTorch kernels"
    try:
        liger = import_module("liger_kernel.transformers.monkey_patch")
    except ImportError:
        return "PyTorch kernels"
    if base.config.model_type not in liger.MODEL_TYPE_TO_APPLY_LIGER_FN:
        return f"PyTorch kernels; Liger has none for {base.config.model_type}"
    liger._apply_liger_kernel_to_instance(base, cross_entropy=False, fused_linear_cross_entropy=False)
    return "Liger kernels"


def _quantization(
    hyperparameters: Hyperparameters, precision: torch.dtype, device: torch.device
) -> dict[str, Any]:
    """The settings of from_pretrained for a base in int8 (LLM.int8) or int4 (NF4, as in QLoRA)."""
    if not hyperparameters.quantized:
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
