"""Checkpoints from which a job goes on as if it had never been interrupted.

One file a checkpoint, ``step-<8 digits>-<digest>.safetensors``: adapter and AdamW's moments in fp32 (three
times the adapter: 50 MB at 7B), and in its header the step, the loss curve and a fingerprint of data and
settings. It needs no random state: every step draws from a seed of its own (see :mod:`training.loop`).
The digest in the name tells a whole file from a torn one, also after a copy through S3.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

KEPT = 2
_NAME = re.compile(r"step-(\d{8})-([0-9a-f]{16})\.safetensors")
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``tensors``: "adapter/NAME", "exp_avg/NAME", "exp_avg_sq/NAME", fp32; ``curve``: the events so far."""

    step: int
    fingerprint: str
    tensors: dict[str, torch.Tensor]
    curve: list[dict[str, Any]]


def capture(
    step: int,
    fingerprint: str,
    adapter: Mapping[str, torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    curve: list[dict[str, Any]],
) -> Checkpoint:
    """Take what must be kept after ``step`` optimizer steps."""
    tensors = {f"adapter/{name}": p.detach().cpu().contiguous() for name, p in adapter.items()}
    for name, parameter in adapter.items():
        for moment in ("exp_avg", "exp_avg_sq"):
            value = optimizer.state.get(parameter, {}).get(moment)
            if value is not None:
                tensors[f"{moment}/{name}"] = value.detach().cpu().contiguous()
    return Checkpoint(step, fingerprint, tensors, list(curve))


@torch.no_grad()
def restore(
    checkpoint: Checkpoint, adapter: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer
) -> None:
    """Put a checkpoint's tensors where ``capture`` took them from."""
    for name, parameter in adapter.items():
        parameter.copy_(checkpoint.tensors[f"adapter/{name}"])
        if f"exp_avg/{name}" in checkpoint.tensors:
            optimizer.state[parameter] = {
                "step": torch.tensor(float(checkpoint.step)),
                "exp_avg": checkpoint.tensors[f"exp_avg/{name}"].to(parameter.device),
                "exp_avg_sq": checkpoint.tensors[f"exp_avg_sq/{name}"].to(parameter.device),
            }


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint so that it is there whole or not at all, and remove all but the newest KEPT."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {"step": checkpoint.step, "fingerprint": checkpoint.fingerprint, "curve": checkpoint.curve}
    content = save(checkpoint.tensors, metadata={"finexpert": json.dumps(header)})
    target = folder / f"step-{checkpoint.step:08d}-{_digest(content)}.safetensors"
    partial = target.with_suffix(".partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(target)
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return target


def candidates(folder: Path) -> Iterator[tuple[Path, Checkpoint | None]]:
    """The checkpoints in ``folder``, newest first; None for one that is torn or unreadable."""
    for file in _newest_first(folder):
        yield file, _read(file)


def _newest_first(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((file for file in folder.iterdir() if _NAME.fullmatch(file.name)), reverse=True)


def _read(file: Path) -> Checkpoint | None:
    name = _NAME.fullmatch(file.name)
    if name is None or _digest(file.read_bytes()) != name[2]:
        return None
    try:
        with safe_open(file, framework="pt") as opened:
            header = json.loads(opened.metadata()["finexpert"])
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        return Checkpoint(header["step"], header["fingerprint"], tensors, header["curve"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()
