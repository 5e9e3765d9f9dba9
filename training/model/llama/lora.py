"""LoRA (Hu et al. 2021) with the variants rsLoRA and DoRA: PEFT's numbers, names and files.

    y = W x + s · B A dropout(x)      s = alpha / r, with rsLoRA alpha / √r
    DoRA: y = m / ‖W + s B A‖ · (W x + s B A x), with a norm for each row that counts as a constant

The adapter is fp32 and multiplies in the format of what comes in.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import nn

from core.hyperparameters import Hyperparameters
from training.model.llama.quantized import dense_weight

ADAPTER_FILE = "adapter_model.safetensors"
#: What a saved adapter says it belongs to; a local path would mean nothing elsewhere.
BASE_NAME = "base-model"
#: What stands before a module's name in PEFT's files.
_PREFIX = "base_model.model."


class LoraLinear(nn.Module):
    """A frozen linear layer and what the adapter adds to it; ``enabled`` False leaves exactly the layer."""

    def __init__(self, base_layer: nn.Linear, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        rank = hyperparameters.lora_r
        self.base_layer, self.enabled = base_layer, True
        self.lora_A = nn.Linear(base_layer.in_features, rank, bias=False)
        self.lora_B = nn.Linear(rank, base_layer.out_features, bias=False)
        nn.init.kaiming_uniform_(self.lora_A.weight, a=math.sqrt(5))
        nn.init.zeros_(self.lora_B.weight)
        self._dropout = hyperparameters.lora_dropout
        self._scaling = hyperparameters.lora_alpha / (math.sqrt(rank) if hyperparameters.use_rslora else rank)
        self.lora_magnitude_vector: nn.Parameter | None = None
        if hyperparameters.use_dora:
            magnitudes = torch.linalg.norm(dense_weight(base_layer).float(), dim=1)
            self.lora_magnitude_vector = nn.Parameter(magnitudes.cpu())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] → [..., out]."""
        result: torch.Tensor = self.base_layer(x)
        if not self.enabled:
            return result
        dropping = self.training and self._dropout > 0
        entering = F.dropout(x, self._dropout) if dropping else x
        update = F.linear(F.linear(entering, self.lora_A.weight.to(x.dtype)), self.lora_B.weight.to(x.dtype))
        if self.lora_magnitude_vector is None:
            return result + update * self._scaling
        weight = dense_weight(self.base_layer).to(x.dtype)
        if dropping:
            plain = F.linear(entering, weight)
        else:
            plain = result if self.base_layer.bias is None else result - self.base_layer.bias
        scale = self.lora_magnitude_vector / self._norms(weight)
        return (result + (scale - 1) * plain + scale * update * self._scaling).to(result.dtype)

    @torch.no_grad()
    def _norms(self, weight: torch.Tensor) -> torch.Tensor:
        """‖W + s B A‖ of each row: [out]."""
        update = self.lora_B.weight @ self.lora_A.weight
        norms: torch.Tensor = torch.linalg.norm(weight + self._scaling * update.to(weight.dtype), dim=1)
        return norms


def add_adapter(base: nn.Module, hyperparameters: Hyperparameters) -> list[LoraLinear]:
    """Put an adapter around each of ``target_modules``, in place; its start follows from the seed."""
    torch.manual_seed(hyperparameters.seed)  # the same in every process, and the same as PEFT's
    added = []
    for name, module in list(base.named_modules()):
        if name.rpartition(".")[2] in hyperparameters.target_modules:
            added.append(LoraLinear(module, hyperparameters))  # type: ignore[arg-type]
            base.set_submodule(name, added[-1])
    return added


def adapter_state(base: nn.Module) -> dict[str, torch.Tensor]:
    """The adapter's tensors under the names that PEFT's files have, on the CPU."""
    return {
        _PREFIX + name: parameter.detach().cpu().contiguous()
        for name, parameter in base.named_parameters()
        if parameter.requires_grad
    }


def save_adapter(base: nn.Module, hyperparameters: Hyperparameters, folder: Path) -> None:
    """Write adapter_model.safetensors and adapter_config.json (PEFT's LoraConfig), and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ADAPTER_FILE).write_bytes(save(adapter_state(base), metadata={"format": "pt"}))
    text = json.dumps(_peft_config(hyperparameters), indent=2, sort_keys=True)
    (folder / "adapter_config.json").write_text(text + "\n", encoding="utf-8")


def _peft_config(hyperparameters: Hyperparameters) -> dict[str, Any]:
    alpha = hyperparameters.lora_alpha
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": BASE_NAME,
        "inference_mode": True,
        "r": hyperparameters.lora_r,
        # Servers read it as a whole number, which it nearly always is.
        "lora_alpha": int(alpha) if alpha.is_integer() else alpha,
        "lora_dropout": hyperparameters.lora_dropout,
        "target_modules": sorted(hyperparameters.target_modules),
        "use_rslora": hyperparameters.use_rslora,
        "use_dora": hyperparameters.use_dora,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
    }
