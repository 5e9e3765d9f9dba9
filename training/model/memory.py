"""Fitting a job into this machine's memory: how much there is, and which layers are recomputed."""

import contextlib
import ctypes
import os
import re
import resource
import sys
from pathlib import Path

import torch

from core.hyperparameters import Hyperparameters
from training.model.memory_plan import HOLES, USABLE, MemoryPlan, count_step, plan_memory
from training.model.model import AdaptedModel, recompute


def fit_layers(model: AdaptedModel, hyperparameters: Hyperparameters, row_length: int) -> MemoryPlan:
    """Decide which layers of ``model`` are recomputed, from what is free now, and set them so."""
    step = count_step(
        model.config.to_dict(),
        hyperparameters,
        model.precision,
        batch=hyperparameters.per_device_train_batch_size,
        length=row_length,
    )
    chosen = plan_memory(
        step,
        used=used_bytes(model.device),
        free=free_bytes(model.device),
        usable=USABLE[model.device.type],
        holes=HOLES[model.device.type],
        setting=hyperparameters.gradient_checkpointing,
    )
    recompute(model.base, chosen.recomputed)
    return chosen


def free_bytes(device: torch.device) -> int:
    """Bytes that this process may still take: of the GPU (within its cap), or of the machine or container."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        fraction = getattr(torch.cuda, "get_per_process_memory_fraction", lambda device: 1.0)(device)
        return int(min(free + unused, total * fraction - torch.cuda.memory_allocated(device)))
    return machine_memory(Path("/proc/meminfo"), Path("/sys/fs/cgroup"))


def machine_memory(meminfo: Path, cgroup: Path) -> int:
    """Bytes that the machine has to give, less where a control group (a container) allows less.

    Where neither file exists (macOS), half of the physical memory.
    """
    limits = []
    if meminfo.is_file():
        line = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable"))
        limits.append(int(line.split()[1]) * 1024)
    for limit, current in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            limits.append(int((cgroup / limit).read_text()) - int((cgroup / current).read_text()))
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
    return min(limits) if limits else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def begin_peak(device: torch.device) -> None:
    """Let ``peak_bytes`` count from now on, where the system can; a CPU's free memory goes back first."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif sys.platform == "linux":
        if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
            trim(0)
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # Source: Linux, Documentation/filesystems/proc.rst


def used_bytes(device: torch.device) -> int:
    """Bytes in use now: tensors on the GPU, or the process's peak so far (the kernel keeps no better one)."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else peak_bytes(device)


def peak_bytes(device: torch.device) -> int:
    """The most bytes that were in use so far: on the GPU, or of the process on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if (status := Path("/proc/self/status")).is_file():
        return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
