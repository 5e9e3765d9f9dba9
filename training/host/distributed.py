"""Several processes as one: torchrun's variables, and the few exchanges that training a LoRA needs."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist


@dataclass(frozen=True, slots=True)
class World:
    """This process among ``size``; ``device`` is where it computes. Without torchrun: one process."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes files and events."""
        return self.rank == 0

    def share(self, items: Sequence[Any]) -> Sequence[Any]:
        """The part of ``items`` that is this process's to do."""
        return items[self.rank :: self.size]

    def groups(self, items: Sequence[Any], size: int) -> list[Sequence[Any]]:
        """This process's part in groups of at most ``size``; every process gets equally many.

        So all pass through the model equally often, which a sharded base needs; the last group may be empty.
        """
        mine = self.share(items)
        count = math.ceil(math.ceil(len(items) / self.size) / size)
        return [mine[start : start + size] for start in range(0, count * size, size)]

    def sum(self, *numbers: float) -> list[float]:
        """Add up numbers over all processes, in fp64."""
        if self.size == 1:
            return list(numbers)
        total = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return [float(number) for number in total]

    def any(self, here: bool) -> bool:
        """Whether ``here`` is so in any process."""
        return self.sum(float(here))[0] > 0

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Add up gradients over all processes, in one exchange; a process without any counts as zero."""
        if self.size == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def from_first(self, value: Any) -> Any:
        """The first process's ``value``, everywhere."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def gather(self, value: Any) -> list[Any]:
        """Every process's ``value``, by rank, everywhere."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values

    def leave(self) -> None:
        """Close the connections."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()


def join(environ: Mapping[str, str] = os.environ) -> World:
    """Read torchrun's variables and join the group: NCCL between GPUs, gloo between CPUs."""
    rank, size = int(environ.get("RANK", "0")), int(environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size > 1:
        dist.init_process_group("nccl" if cuda else "gloo", rank=rank, world_size=size)
    return World(rank, size, device)
