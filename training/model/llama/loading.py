"""Loading the frozen base: mapped from its files where the format fits, quantized where asked for."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from core.failures import TrainingFailure
from core.hyperparameters import Hyperparameters
from training.model.llama.config import LlamaConfig
from training.model.llama.decoder import Llama
from training.model.llama.kernels import Kernels
from training.model.llama.quantized import quantize, refuse_without_gpu
from training.model.weights import weight_names

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
    folder: Path,
    config: LlamaConfig,
    *,
    kernels: Kernels,
    precision: torch.dtype,
    device: torch.device,
    hyperparameters: Hyperparameters,
) -> Llama:
    """A frozen Llama with the weights in ``folder``, on the CPU; what is quantized is on ``device``.

    Weights that are stored in ``precision`` stay in the files' pages until they go to the GPU; on a CPU they
    are computed with where they lie. Raises TrainingFailure if the files cannot be read or do not fit.
    """
    refuse_without_gpu(hyperparameters, device)
    with torch.device("meta"):  # sizes only: the weights' own memory is what the files give
        base = Llama(config, kernels)
    expected = {name: parameter.shape for name, parameter in base.named_parameters()}
    tensors = _read(folder, set(expected), precision)
    wrong = sorted(
        name for name, shape in expected.items() if name not in tensors or tensors[name].shape != shape
    )
    if wrong:
        what = f"the weights do not fit config.json; missing or of another shape: {', '.join(wrong[:3])}"
        raise TrainingFailure(what, where="channel model", remedy=_REMEDY)
    base.load_state_dict(tensors, strict=False, assign=True)  # a tied output layer has no weight of its own
    base.tie()
    base.requires_grad_(False)
    if hyperparameters.quantized:
        quantize(base, four_bits=hyperparameters.load_in_4bit, precision=precision, device=device)
    return base


def _read(folder: Path, wanted: set[str], precision: torch.dtype) -> dict[str, torch.Tensor]:
    """The tensors of these names from all files. Raises TrainingFailure for layers that config.json lacks."""
    tensors = {}
    unknown = []
    try:
        for file in weight_names(folder):
            with safe_open(folder / file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118, the file is no mapping
                    if name in wanted:
                        tensors[name] = opened.get_tensor(name).to(precision)
                    elif name.startswith("model.") and not name.endswith("rotary_emb.inv_freq"):
                        unknown.append(name)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        what = f"the base weights cannot be loaded ({(str(error).splitlines() or [type(error).__name__])[0]})"
        raise TrainingFailure(what, where="channel model", remedy="Copy the weights again, whole") from error
    if unknown:
        what = f"the weights do not fit config.json, which has no place for {', '.join(sorted(unknown)[:3])}"
        raise TrainingFailure(what, where="channel model", remedy=_REMEDY)
    return tensors
