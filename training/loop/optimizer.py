"""AdamW over the adapter; with LoRA+ the B matrices learn faster than the A matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.optim.adamw import adamw

from core.hyperparameters import Hyperparameters

#: How PEFT names the B matrices, which start at zero (Hayou et al. 2024, "LoRA+": they want a higher rate).
_B_MATRIX = ".lora_B."
#: torch.optim.AdamW's own defaults.
_BETAS, _EPS = (0.9, 0.999), 1e-8


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that share a learning rate, and its highest value."""

    parameters: Sequence[torch.nn.Parameter]
    peak_rate: float


class AdamW:
    """What torch.optim.AdamW does, by the function that it is made of; the moments are fp32.

    Making an object of that class imports PyTorch's compiler, which takes as long as importing PyTorch.
    ``state``: ``step``, ``exp_avg`` and ``exp_avg_sq`` of each parameter that has been stepped.
    """

    def __init__(self, groups: Sequence[Group], weight_decay: float) -> None:
        self.groups, self._weight_decay = groups, weight_decay
        self.state: dict[torch.nn.Parameter, dict[str, torch.Tensor]] = {}

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Change parameters by their gradients, at ``factor`` (0 … 1) of the peak rates; the gradients go."""
        for group in self.groups:
            stepped = [(p, p.grad) for p in group.parameters if p.grad is not None]
            states = [self._state_of(parameter) for parameter, _ in stepped]
            adamw(
                [parameter for parameter, _ in stepped],
                [gradient for _, gradient in stepped],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                amsgrad=False,
                beta1=_BETAS[0],
                beta2=_BETAS[1],
                lr=factor * group.peak_rate,
                weight_decay=self._weight_decay,
                eps=_EPS,
                maximize=False,
            )
            for parameter, _ in stepped:
                parameter.grad = None

    def _state_of(self, parameter: torch.nn.Parameter) -> dict[str, torch.Tensor]:
        if parameter not in self.state:
            moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
            self.state[parameter] = {"step": torch.tensor(0.0)} | moments
        return self.state[parameter]


def make_optimizer(adapter: Mapping[str, torch.nn.Parameter], hyperparameters: Hyperparameters) -> AdamW:
    """AdamW over the adapter's parameters, by name; the B matrices are the second group."""
    peak = hyperparameters.learning_rate
    rates = {False: peak, True: peak * hyperparameters.loraplus_lr_ratio}
    groups = [
        Group([p for name, p in adapter.items() if (_B_MATRIX in name) == is_b], rate)
        for is_b, rate in rates.items()
    ]
    return AdamW(groups, hyperparameters.weight_decay)
