"""Early stopping: end when the held-out loss no longer falls, and keep the adapter that had the lowest."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch


@dataclass(slots=True)
class EarlyStopping:
    """Watches the held-out loss; ``patience`` -1 switches it off.

    A loss counts as better if it is more than ``threshold`` below the best. Training ends after ``patience``
    measurements in a row that were not better. ``best`` is the best adapter's tensors, on the CPU.
    """

    patience: int
    threshold: float
    best_loss: float = math.inf
    best_step: int = -1
    waited: int = 0
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether the settings ask for early stopping."""
        return self.patience != -1

    def observe(self, step: int, loss: float, adapter: Mapping[str, torch.Tensor]) -> bool:
        """Take note of the held-out loss after ``step`` steps; True if training is to end."""
        if not self.active:
            return False
        if loss < self.best_loss - self.threshold:
            self.best_loss, self.best_step, self.waited = loss, step, 0
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in adapter.items()}
        else:
            self.waited += 1
        return self.waited >= self.patience

    def state(self) -> dict[str, float]:
        """The state that a checkpoint keeps besides ``best``; empty before the first measurement."""
        if self.best_step < 0:
            return {}
        return {"best_loss": self.best_loss, "best_step": self.best_step, "waited": self.waited}

    def take_up(self, state: Mapping[str, float], best: dict[str, torch.Tensor]) -> None:
        """Restore what a checkpoint kept."""
        if state:
            self.best_loss, self.best_step = state["best_loss"], int(state["best_step"])
            self.waited, self.best = int(state["waited"]), best
