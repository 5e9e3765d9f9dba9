"""AdamW over the adapter; with LoRA+ the B matrices learn faster than the A matrices."""

from collections.abc import Mapping

import torch

from core.hyperparameters import Hyperparameters

#: How PEFT names the B matrices, which start at zero (Hayou et al. 2024, "LoRA+": they want a higher rate).
_B_MATRIX = ".lora_B."


def make_optimizer(
    adapter: Mapping[str, torch.nn.Parameter], hyperparameters: Hyperparameters
) -> torch.optim.AdamW:
    """AdamW with fp32 moments; each group of parameters has its peak rate in ``initial_lr``."""
    peak = hyperparameters.learning_rate
    rates = {False: peak, True: peak * hyperparameters.loraplus_lr_ratio}
    groups = []
    for is_b, rate in rates.items():
        parameters = [p for name, p in adapter.items() if (_B_MATRIX in name) == is_b]
        groups.append({"params": parameters, "lr": rate, "initial_lr": rate})
    return torch.optim.AdamW(groups, lr=peak, weight_decay=hyperparameters.weight_decay)


def step(optimizer: torch.optim.AdamW, factor: float) -> None:
    """Change the parameters at ``factor`` (0 … 1) of the peak rates, and drop their gradients."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    optimizer.step()
    optimizer.zero_grad()
