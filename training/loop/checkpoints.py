"""Checkpoints from which a job goes on as if it had never been interrupted.

One file a checkpoint, ``step-<8 digits>-<digest>.safetensors``: adapter and AdamW's moments in fp32 (three
times the adapter: 50 MB at 7B), and in its header the step, the loss curve and a fingerprint of data and
settings. The rest follows from the step: learning rate and rows (:mod:`training.loop.schedule`), and the
random numbers, which every step draws from its own seed (:mod:`training.loop.loop`). Under early stopping the
best adapter so far lies beside it, ``best-<8 digits>-<digest>.safetensors``.
The digest in the name shows whether a file is whole, also after a copy through S3.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from training.host.distributed import World
from training.host.events import Events

KEPT = 2
#: Raised when tensors get other names or another meaning; part of the fingerprint, so older ones stay aside.
FORMAT = 3
_NAME = re.compile(r"(step|best)-(\d{8})-([0-9a-f]{16})\.safetensors")
_DIGEST_BYTES = 8
#: What of a checkpoint is in the file's header; the rest is tensors.
_HEADER = ("step", "fingerprint", "curve", "global_batch", "stopping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state that a job needs to go on.

    ``tensors``: "adapter/NAME", "exp_avg/NAME", "exp_avg_sq/NAME", fp32; ``curve``: the events so far;
    ``global_batch``: rows of a step, kept when the job goes on with another number of processes;
    ``best``: the adapter with the lowest held-out loss, by name, and ``stopping`` what early stopping knows.
    """

    step: int
    fingerprint: str
    tensors: dict[str, torch.Tensor]
    curve: list[dict[str, Any]]
    global_batch: int
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    stopping: dict[str, float] = field(default_factory=dict)


def state_of(
    adapter: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.AdamW
) -> dict[str, torch.Tensor]:
    """The adapter and AdamW's moments, as a checkpoint holds them."""
    tensors = {f"adapter/{name}": p.detach().cpu().contiguous() for name, p in adapter.items()}
    for name, parameter in adapter.items():
        for moment in ("exp_avg", "exp_avg_sq"):
            value = optimizer.state.get(parameter, {}).get(moment)
            if value is not None:
                tensors[f"{moment}/{name}"] = value.detach().cpu().contiguous()
    return tensors


@torch.no_grad()
def restore(
    checkpoint: Checkpoint, adapter: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.AdamW
) -> None:
    """Put a checkpoint's tensors where ``state_of`` took them from."""
    for name, parameter in adapter.items():
        parameter.copy_(checkpoint.tensors[f"adapter/{name}"])
        if f"exp_avg/{name}" in checkpoint.tensors:
            optimizer.state[parameter] = {
                "step": torch.tensor(float(checkpoint.step)),
                "exp_avg": checkpoint.tensors[f"exp_avg/{name}"].to(parameter.device),
                "exp_avg_sq": checkpoint.tensors[f"exp_avg_sq/{name}"].to(parameter.device),
            }


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint so that it is there whole or not at all, and remove all but the newest KEPT.

    A new best adapter goes to its own file, before the checkpoint that names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header = {name: getattr(checkpoint, name) for name in _HEADER} | {"best": ""}
    if checkpoint.best:
        best_step = int(checkpoint.stopping["best_step"])
        header["best"] = _write_whole(folder, "best", best_step, checkpoint.best, "").name
    target = _write_whole(folder, "step", checkpoint.step, checkpoint.tensors, json.dumps(header))
    for kind in ("step", "best"):
        for old in _newest_first(folder, kind)[KEPT:]:
            old.unlink(missing_ok=True)
    return target


def _write_whole(folder: Path, kind: str, step: int, tensors: dict[str, torch.Tensor], header: str) -> Path:
    content = save(tensors, metadata={"finexpert": header})
    target = folder / f"{kind}-{step:08d}-{_digest(content)}.safetensors"
    if target.exists():
        return target
    partial = target.with_suffix(".partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(target)
    return target


def newest_checkpoint(folder: Path, fingerprint: str, world: World, events: Events) -> Checkpoint | None:
    """The newest complete checkpoint of this training; None if there is none.

    The first process reads it for all. What is left aside, and why, goes to the log.
    """
    found: Checkpoint | None = None
    for file, checkpoint in candidates(folder) if world.first else ():
        if checkpoint is None:
            events.log(f"{file.name} is torn and left aside; looking for the one before it")
        elif checkpoint.fingerprint != fingerprint:
            events.log(f"{file.name} belongs to other data, settings or weights and is left aside")
        else:
            found = checkpoint
            events.log(f"going on after step {checkpoint.step} from {file.name}")
            break
    chosen: Checkpoint | None = world.from_first(found)
    return chosen


def candidates(folder: Path) -> Iterator[tuple[Path, Checkpoint | None]]:
    """The checkpoints in ``folder``, newest first; None for one that is torn or unreadable."""
    for file in _newest_first(folder, "step"):
        yield file, _read(file)


def _newest_first(folder: Path, kind: str) -> list[Path]:
    if not folder.is_dir():
        return []
    named = ((file, _NAME.fullmatch(file.name)) for file in folder.iterdir())
    return sorted((file for file, name in named if name and name[1] == kind), reverse=True)


def _read(file: Path) -> Checkpoint | None:
    try:
        header, tensors = _read_whole(file)
        described = json.loads(header)
        best = _read_whole(file.with_name(described["best"]))[1] if described["best"] else {}
        return Checkpoint(tensors=tensors, best=best, **{name: described[name] for name in _HEADER})
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, RecursionError):
        return None


def _read_whole(file: Path) -> tuple[str, dict[str, torch.Tensor]]:
    """Header and tensors; ValueError if the content is not what the digest in the name says."""
    name = _NAME.fullmatch(file.name)
    if name is None or _digest(file.read_bytes()) != name[3]:
        raise ValueError(f"{file.name} is torn")
    with safe_open(file, framework="pt") as opened:
        tensors = {key: opened.get_tensor(key).clone() for key in opened.keys()}  # noqa: SIM118
        return opened.metadata()["finexpert"], tensors


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()
