"""Merging the adapter into the base: new shards, one tensor in memory at a time.

A merged weight is as large as the base's and of the same type, so a merged shard has the very header of the
base's shard (a safetensors file is 8 bytes of length, a JSON header, and the tensors one behind the other).
The header is copied, then each tensor is read from the mapped base, changed if the adapter has something for
it, and written. What is needed beyond the base's file pages is a few times the largest weight in fp32.
"""

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import safe_open

from core.failures import TrainingFailure
from training.model.weights import weight_names

INDEX = "model.safetensors.index.json"
#: Beside the weights, a served model needs its settings and its tokenizer.
_DESCRIBING = (".json", ".model", ".txt", ".jinja")
_PREFIX, _SUFFIX = "base_model.model.", ".lora_A.weight"


@dataclass(frozen=True, slots=True)
class LoraUpdate:
    """The change by one layer's adapter: ``scale`` · B · A, and DoRA's magnitudes where it has them."""

    a: torch.Tensor
    b: torch.Tensor
    scale: float
    magnitude: torch.Tensor | None

    def apply(self, weight: torch.Tensor) -> torch.Tensor:
        """The merged weight [out, in], computed in fp32, in ``weight``'s own type."""
        merged = torch.addmm(weight.float(), self.b.float(), self.a.float(), alpha=self.scale)
        if self.magnitude is not None:
            merged *= (self.magnitude.float() / merged.norm(dim=1)).unsqueeze(1)
        return merged.to(weight.dtype)


def read_updates(adapter: Path) -> dict[str, LoraUpdate]:
    """The updates of a saved adapter (PEFT's format) by the name of the base's weight."""
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    rank = config["r"]
    scale = config["lora_alpha"] / (math.sqrt(rank) if config.get("use_rslora") else rank)
    updates = {}
    with safe_open(adapter / "adapter_model.safetensors", framework="pt") as tensors:
        names = set(tensors.keys())
        for name in names:
            if name.endswith(_SUFFIX):
                layer = name.removesuffix(_SUFFIX)
                magnitude = f"{layer}.lora_magnitude_vector"
                updates[f"{layer.removeprefix(_PREFIX)}.weight"] = LoraUpdate(
                    a=tensors.get_tensor(name),
                    b=tensors.get_tensor(f"{layer}.lora_B.weight"),
                    scale=scale,
                    magnitude=tensors.get_tensor(magnitude) if magnitude in names else None,
                )
    return updates


def merge(base: Path, adapter: Path, target: Path) -> int:
    """Write ``base`` with ``adapter`` merged into it to ``target``; gives the size of the weights in bytes.

    ``target`` gets the base's shards by name, an index, and the base's settings and tokenizer; what was
    there before is removed. The index comes last: where it is, everything is.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    updates = read_updates(adapter)
    weight_map: dict[str, str] = {}
    size = 0
    for name in weight_names(base):
        for tensor, length in _merge_shard(base / name, target / name, updates):
            weight_map[tensor] = name
            size += length
    unused = sorted(set(updates) - set(weight_map))
    if unused:
        raise TrainingFailure(
            f"the adapter has weights that the base's files lack: {', '.join(unused[:3])}",
            where="merge_weights",
            remedy="Set merge_weights to False, and serve the adapter beside the base",
        )
    for file in sorted(base.iterdir()):
        if file.suffix in _DESCRIBING and file.name != INDEX:
            shutil.copyfile(file, target / file.name)
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    (target / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return size


def _merge_shard(source: Path, target: Path, updates: Mapping[str, LoraUpdate]) -> Iterator[tuple[str, int]]:
    """Write one shard; yields name and bytes of each tensor as it is written."""
    with source.open("rb") as stream, target.open("wb") as written, safe_open(source, framework="pt") as base:
        start = stream.read(8)
        text = stream.read(int.from_bytes(start, "little"))
        written.write(start + text)
        header: dict[str, Any] = json.loads(text)
        header.pop("__metadata__", None)
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            weight = base.get_tensor(name)
            update = updates.get(name)
            _write(written, weight if update is None else update.apply(weight))
            yield name, entry["data_offsets"][1] - entry["data_offsets"][0]
        written.flush()
        os.fsync(written.fileno())


def _write(stream: BinaryIO, tensor: torch.Tensor) -> None:
    """A tensor's bytes as they lie in memory (safetensors is little-endian, as all our machines are)."""
    stream.write(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
