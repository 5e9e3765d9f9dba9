"""The training job's JSON lines, folded into what a reader wants to know (events: docs/architecture.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far a training job is, by its own log.

    `loss_steps` are the steps that `losses` are of; `tokens_seen` counts trained tokens; `eta_seconds` is the
    trainer's own estimate for the steps left.
    """

    phase: str = ""
    step: int = 0
    steps: int = 0
    losses: tuple[float, ...] = ()
    loss_steps: tuple[int, ...] = ()
    tokens_per_second: float = 0.0
    tokens_seen: int = 0
    eta_seconds: float | None = None

    @property
    def loss(self) -> float | None:
        """Loss of the newest step, in nats per token."""
        return self.losses[-1] if self.losses else None


def fold(progress: Progress, lines: Iterable[str]) -> Progress:
    """The progress after these further log lines. Lines that are not events of ours are skipped."""
    return reduce(_fold_line, lines, progress)


def _fold_line(progress: Progress, line: str) -> Progress:
    if not line.lstrip().startswith("{"):
        return progress
    try:
        event = json.loads(line)
    except ValueError:
        return progress
    fold_event = _FOLDS.get(event.get("event", ""))
    return fold_event(progress, event) if fold_event else progress


def _step(progress: Progress, event: Mapping[str, Any]) -> Progress:
    """Figures that JSON lacks (a loss that is not a number) come as null, and leave the last one standing."""
    eta, loss = event.get("eta_seconds"), event.get("loss")
    step = int(event["step"])
    return replace(
        progress,
        step=step,
        steps=int(event["steps"]),
        losses=progress.losses if loss is None else (*progress.losses, float(loss)),
        loss_steps=progress.loss_steps if loss is None else (*progress.loss_steps, step),
        tokens_per_second=float(event.get("tokens_per_second") or progress.tokens_per_second),
        tokens_seen=int(event.get("tokens_seen") or progress.tokens_seen),
        eta_seconds=None if eta is None else float(eta),
    )


def _phase(progress: Progress, event: Mapping[str, Any]) -> Progress:
    return replace(progress, phase=str(event["phase"]))


_FOLDS: Mapping[str, Callable[[Progress, Mapping[str, Any]], Progress]] = {"step": _step, "phase": _phase}
