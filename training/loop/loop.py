"""The training loop: a line a step, a checkpoint an epoch, a clean end on request.

Every optimizer step seeds the random numbers of its dropout from seed, step and rank. So a resumed run
repeats an uninterrupted one exactly (bit by bit on a CPU), without any random state in the checkpoint.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.optim import AdamW

from core.failures import Stopped, TrainingFailure
from core.hyperparameters import Hyperparameters
from training.data.batches import shared_batches
from training.data.packing import Row
from training.host.distributed import World
from training.host.events import Events
from training.loop import checkpoints
from training.loop.checkpoints import Checkpoint
from training.loop.early_stopping import EarlyStopping
from training.loop.optimizer import make_optimizer, step
from training.loop.progress import Progress
from training.loop.schedule import Plan, rate_factor
from training.model.model import AdaptedModel


@dataclass(slots=True)
class Training:
    """The parts that the loop works on.

    ``resumed`` is the checkpoint to go on from; ``stop_requested`` says whether SIGTERM came; ``measure()``
    gives held-out figures. ``curve`` collects the step events and those figures.
    """

    model: AdaptedModel
    rows: Sequence[Row]
    plan: Plan
    hyperparameters: Hyperparameters
    world: World
    events: Events
    checkpoint_folder: Path
    fingerprint: str
    resumed: Checkpoint | None
    stop_requested: Callable[[], bool]
    measure: Callable[[], dict[str, float]]
    curve: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``steps``: taken; ``kept_step``: the one whose adapter the model has, earlier under early stopping."""

    curve: list[dict[str, Any]]
    steps: int
    kept_step: int


def train(training: Training) -> Outcome:
    """Train from the checkpoint, or from the start, to the plan's end or until early stopping ends it.

    Under early stopping the model ends with the adapter of the lowest held-out loss, else with the last.
    Raises Stopped after writing a checkpoint when asked to stop, TrainingFailure when the loss is no number.
    """
    hp, plan, model = training.hyperparameters, training.plan, training.model
    optimizer = make_optimizer(model.adapter, hp)
    stopping = EarlyStopping(hp.early_stopping_patience, hp.early_stopping_threshold)
    done = _take_up(training, optimizer, stopping)
    progress = Progress(plan, training.events, training.curve)
    while True:
        if _measurement_due(done, plan, stopping, hp) and _no_longer_better(training, stopping, done):
            break
        if done == plan.steps:
            break
        progress.begin()
        loss, rate, tokens, stop = _step(training, optimizer, done)
        done += 1
        progress.end(done, loss=loss, rate=rate, tokens=tokens)
        if stop or _due(done, plan, hp.save_steps) or done == plan.steps:
            _save(training, optimizer, stopping, done)
        if stop:
            raise Stopped(f"stopped after step {done} of {plan.steps}; its checkpoint is kept")
    if stopping.best and stopping.best_step != done:
        _put(model.adapter, stopping.best)
        return Outcome(training.curve, done, stopping.best_step)
    return Outcome(training.curve, done, done)


def _due(done: int, plan: Plan, period: int) -> bool:
    """Whether something that happens every ``period`` steps (-1: every epoch) happens after step ``done``."""
    return done % (plan.steps_per_epoch if period == -1 else period) == 0


def _measurement_due(done: int, plan: Plan, stopping: EarlyStopping, hp: Hyperparameters) -> bool:
    """Not at the ends, where the job measures anyway, unless early stopping must compare the last adapter."""
    if done == plan.steps:
        return stopping.active
    return done > 0 and _due(done, plan, hp.eval_steps)


def _no_longer_better(training: Training, stopping: EarlyStopping, done: int) -> bool:
    """Measure; True if early stopping ends the training here."""
    figures = training.measure()
    epoch = done / training.plan.steps_per_epoch
    if done < training.plan.steps:  # the last point of the curve is the job's own measurement
        training.curve.append({"step": done, "epoch": round(epoch, 4)} | figures)
    if not stopping.observe(done, figures["validation_loss"], training.model.adapter):
        return False
    training.events.log(
        f"early stopping after step {done}: the held-out loss was lowest ({stopping.best_loss:.4f}) after"
        f" step {stopping.best_step}, whose adapter is kept"
    )
    return True


def _step(training: Training, optimizer: AdamW, number: int) -> tuple[float, float, int, bool]:
    """One step over all processes: (mean loss in nats a token, rate, tokens, whether any is to stop)."""
    hp, world, model = training.hyperparameters, training.world, training.model
    torch.manual_seed((hp.seed * 1_000_003 + number) * 4099 + world.rank)
    summed_loss = 0.0
    targets = tokens = 0
    rows = [training.rows[i] for i in training.plan.rows_of(number)]
    for batch in shared_batches(rows, hp.per_device_train_batch_size, world, model.device):
        loss = model.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        summed_loss += loss.item()
        targets += batch.targets
        tokens += batch.tokens
    # One exchange agrees on loss, divisor and stopping: no process waits for a peer that has gone.
    total, all_targets, all_tokens, stops = world.sum(summed_loss, targets, tokens, training.stop_requested())
    parameters = list(model.adapter.values())
    world.sum_gradients(parameters)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad /= all_targets
    loss_per_token = total / all_targets
    norm = torch.nn.utils.clip_grad_norm_(parameters, hp.max_grad_norm).item()
    if not math.isfinite(loss_per_token) or not math.isfinite(norm):
        raise TrainingFailure(
            f"the loss became {loss_per_token} (gradient norm {norm}) in step {number + 1}",
            where="training",
            remedy="Lower learning_rate, raise warmup_ratio, or set precision to fp32",
        )
    if number == 0 and norm == 0:
        raise TrainingFailure(
            "no gradient reaches the adapter, so nothing would be learnt",
            where="training",
            remedy="Train without quantization (int8_quantization and load_in_4bit False)",
        )
    factor = rate_factor(number, training.plan.steps, hp)
    step(optimizer, factor)
    return loss_per_token, factor * hp.learning_rate, int(all_tokens), stops > 0


def _save(training: Training, optimizer: AdamW, stopping: EarlyStopping, done: int) -> None:
    if training.world.first:
        checkpoint = Checkpoint(
            step=done,
            fingerprint=training.fingerprint,
            tensors=checkpoints.state_of(training.model.adapter, optimizer),
            curve=list(training.curve),
            global_batch=training.plan.global_batch,
            best=stopping.best,
            stopping=stopping.state(),
        )
        checkpoints.write(training.checkpoint_folder, checkpoint)


def _take_up(training: Training, optimizer: AdamW, stopping: EarlyStopping) -> int:
    """Restore the checkpoint, if there is one, and return the steps already done."""
    found = training.resumed
    if found is None:
        return 0
    checkpoints.restore(found, training.model.adapter, optimizer)
    stopping.take_up(found.stopping, found.best)
    training.curve[:] = found.curve
    return found.step


@torch.no_grad()
def _put(adapter: dict[str, torch.nn.Parameter], tensors: dict[str, torch.Tensor]) -> None:
    for name, parameter in adapter.items():
        parameter.copy_(tensors[name])
