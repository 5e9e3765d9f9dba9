"""The training loop: a line a step, a checkpoint an epoch, a clean end on request.

Every optimizer step seeds the random numbers of its dropout from seed, step and rank. So a resumed run
repeats an uninterrupted one exactly (bit by bit on a CPU), without any random state in the checkpoint.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from training import checkpoints
from training.batches import Batch, collate
from training.distributed import World
from training.events import Events
from training.failures import Stopped, TrainingFailure
from training.hyperparameters import Hyperparameters
from training.model import AdaptedModel
from training.packing import Row
from training.schedule import Plan, learning_rate


@dataclass(slots=True)
class Training:
    """What the loop works on.

    ``stop_requested`` says whether SIGTERM came; ``measure()`` gives held-out figures, taken as each epoch
    but the first begins. ``curve`` collects the step events and those figures.
    """

    model: AdaptedModel
    rows: Sequence[Row]
    plan: Plan
    hyperparameters: Hyperparameters
    world: World
    events: Events
    checkpoint_folder: Path
    fingerprint: str
    stop_requested: Callable[[], bool]
    measure: Callable[[], dict[str, float]]
    curve: list[dict[str, Any]] = field(default_factory=list)


def train(training: Training) -> list[dict[str, Any]]:
    """Train from the newest usable checkpoint, or from the start, to the plan's end; gives the curve.

    Raises Stopped after writing a checkpoint when asked to stop, TrainingFailure when the loss is no number.
    """
    hp, plan = training.hyperparameters, training.plan
    optimizer = torch.optim.AdamW(
        training.model.adapter.values(), lr=hp.learning_rate, weight_decay=hp.weight_decay
    )
    resumed_at = _resume(training, optimizer)
    pace = _Pace(seen=max((event.get("tokens_seen", 0) for event in training.curve), default=0))
    for step in range(resumed_at, plan.steps):
        if step and step % plan.steps_per_epoch == 0:
            epoch = step // plan.steps_per_epoch
            training.curve.append({"step": step, "epoch": float(epoch)} | training.measure())
        pace.start()
        loss, tokens, stop = _step(training, optimizer, step)
        pace.stop(tokens)
        _report(training, step + 1, loss, optimizer.param_groups[0]["lr"], pace)
        if stop or _due(step + 1, plan, hp):
            _save(training, optimizer, step + 1)
        if stop:
            raise Stopped(f"stopped after step {step + 1} of {plan.steps}; its checkpoint is kept")
    return training.curve


def _due(done: int, plan: Plan, hyperparameters: Hyperparameters) -> bool:
    period = plan.steps_per_epoch if hyperparameters.save_steps == -1 else hyperparameters.save_steps
    return done % period == 0 or done == plan.steps


def _step(training: Training, optimizer: torch.optim.Optimizer, step: int) -> tuple[float, int, bool]:
    """One step over all processes: (mean loss in nats a token, tokens, whether any was asked to stop)."""
    hp, world, model = training.hyperparameters, training.world, training.model
    torch.manual_seed((hp.seed * 1_000_003 + step) * 4099 + world.rank)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, training.plan.steps, hp)
    summed_loss = 0.0
    targets = tokens = 0
    for batch in _batches(training, step):
        loss = model.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        summed_loss += loss.item()
        targets += batch.targets
        tokens += batch.tokens
    # One exchange agrees on loss, divisor and stopping: nobody is left waiting for a peer that has gone.
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
            f"the loss became {loss_per_token} (gradient norm {norm}) in step {step + 1}",
            where="training",
            remedy="Lower learning_rate, raise warmup_ratio, or set precision to fp32",
        )
    optimizer.step()
    optimizer.zero_grad()
    return loss_per_token, int(all_tokens), stops > 0


def _batches(training: Training, step: int) -> Iterator[Batch]:
    """This process's share of a step's rows, in batches of the size that memory allows."""
    mine = training.world.share(training.plan.rows_of(step))
    size = training.hyperparameters.per_device_train_batch_size
    for start in range(0, len(mine), size):
        yield collate([training.rows[i] for i in mine[start : start + size]], training.model.device)


class _Pace:
    """Tokens, steps and seconds of this process's run; what happens between steps does not count."""

    def __init__(self, seen: int) -> None:
        self.seen = seen
        self._tokens = self._steps = 0
        self._seconds = self._started = 0.0

    def start(self) -> None:
        self._started = time.monotonic()

    def stop(self, tokens: int) -> None:
        self._seconds += time.monotonic() - self._started
        self._steps += 1
        self._tokens += tokens
        self.seen += tokens

    @property
    def tokens_per_second(self) -> float:
        return self._tokens / max(self._seconds, 1e-9)

    @property
    def seconds_per_step(self) -> float:
        return self._seconds / max(self._steps, 1)


def _report(training: Training, done: int, loss: float, rate: float, pace: _Pace) -> None:
    plan = training.plan
    event = {
        "step": done,
        "steps": plan.steps,
        "epoch": round(done / plan.steps_per_epoch, 4),
        "loss": round(loss, 5),
        "learning_rate": rate,
        "tokens_per_second": round(pace.tokens_per_second, 1),
        "tokens_seen": pace.seen,
        "eta_seconds": round(pace.seconds_per_step * (plan.steps - done), 1),
        "usd": training.events.usd,
    }
    training.curve.append(event)
    training.events.emit("step", **event)


def _save(training: Training, optimizer: torch.optim.Optimizer, step: int) -> None:
    if training.world.first:
        checkpoint = checkpoints.capture(
            step, training.fingerprint, training.model.adapter, optimizer, training.curve
        )
        checkpoints.write(training.checkpoint_folder, checkpoint)


def _resume(training: Training, optimizer: torch.optim.Optimizer) -> int:
    """Take up the newest checkpoint that is whole and of this very training; gives the steps already done."""
    found: checkpoints.Checkpoint | None = None
    if training.world.first:
        for file, checkpoint in checkpoints.candidates(training.checkpoint_folder):
            if checkpoint is None:
                training.events.log(f"{file.name} is torn and left aside; looking for the one before it")
            elif checkpoint.fingerprint != training.fingerprint:
                training.events.log(
                    f"{file.name} belongs to other data, settings or weights and is left aside"
                )
            else:
                found = checkpoint
                training.events.log(f"going on after step {checkpoint.step} from {file.name}")
                break
    found = training.world.from_first(found)
    if found is None:
        return 0
    checkpoints.restore(found, training.model.adapter, optimizer)
    training.curve[:] = found.curve
    return found.step
