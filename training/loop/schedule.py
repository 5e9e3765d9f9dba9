"""The course of training: number of steps, rows of each step, and the learning rate's schedule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.hyperparameters import Hyperparameters
from training.data.sampling import Group, epoch_order


@dataclass(frozen=True, slots=True)
class Plan:
    """``among``: which rows an epoch takes; ``global_batch``: rows that a step takes over all processes; an
    epoch's last step may take fewer."""

    among: tuple[Group, ...]
    global_batch: int
    steps_per_epoch: int
    steps: int
    seed: int

    def rows_of(self, step: int) -> Sequence[int]:
        """Rows of step ``step`` (from 0), as indices. Every epoch has another order."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = epoch_order(self.among, self.seed, epoch)
        rows: list[int] = order[place * self.global_batch : (place + 1) * self.global_batch].tolist()
        return rows


def plan(
    rows: int,
    world_size: int,
    hyperparameters: Hyperparameters,
    *,
    among: tuple[Group, ...] | None = None,
    global_batch: int | None = None,
) -> Plan:
    """The whole course for ``rows`` (≥ 1) packed rows an epoch; ``among`` says which, None = each once.

    A job that goes on with another number of processes passes the ``global_batch`` that it began with: its
    steps then stay the same steps, shared out differently.
    """
    batch = global_batch or (
        hyperparameters.per_device_train_batch_size * hyperparameters.gradient_accumulation_steps * world_size
    )
    per_epoch = math.ceil(rows / batch)
    limit = hyperparameters.max_steps
    steps = per_epoch * hyperparameters.epoch if limit == -1 else limit
    return Plan(among or (Group(0, rows, rows),), batch, per_epoch, steps, hyperparameters.seed)


def rate_factor(step: int, steps: int, hyperparameters: Hyperparameters) -> float:
    """Share of the peak learning rate in step ``step`` (from 0) of ``steps``; never 0.

    Linear warm-up, then as set.
    """
    warmup = hyperparameters.warmup_steps
    if warmup == -1:
        warmup = math.ceil(steps * hyperparameters.warmup_ratio)
    if step < warmup:
        return (step + 1) / warmup
    remaining = (steps - step) / max(steps - warmup, 1)
    if hyperparameters.lr_scheduler_type == "linear":
        return remaining
    if hyperparameters.lr_scheduler_type == "cosine":
        return 0.5 * (1 - math.cos(math.pi * remaining))
    return 1.0
