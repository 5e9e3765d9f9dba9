"""What a hosting instance type has, and how much of it the base component may ask for.

Figures: EC2's instance type pages (families m5, g4dn, g5, g6), the same for SageMaker's `ml.` types.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capacity:
    """One instance: virtual CPUs, memory in GiB, GPUs."""

    vcpus: int
    memory_gib: int
    gpus: int


_ONE_GPU = {
    "xlarge": (4, 16),
    "2xlarge": (8, 32),
    "4xlarge": (16, 64),
    "8xlarge": (32, 128),
    "16xlarge": (64, 256),
}
_MANY_GPUS = {"12xlarge": (48, 192, 4), "24xlarge": (96, 384, 4), "48xlarge": (192, 768, 8)}

CAPACITIES: dict[str, Capacity] = {
    "ml.m5.xlarge": Capacity(4, 16, 0),
    "ml.m5.2xlarge": Capacity(8, 32, 0),
    **{
        f"ml.{family}.{size}": Capacity(*figures, gpus=1)
        for family in ("g4dn", "g5", "g6")
        for size, figures in _ONE_GPU.items()
    },
    **{
        f"ml.{family}.{size}": Capacity(*figures)
        for family in ("g5", "g6")
        for size, figures in _MANY_GPUS.items()
    },
    "ml.g4dn.12xlarge": Capacity(48, 192, 4),
}
"""The instance types that `prices.json` prices for hosting, and their relatives."""


def component_share(capacity: Capacity) -> dict[str, int]:
    """ComputeResourceRequirements of a base component that has an instance to itself.

    All GPUs; half of memory and processors: the instance's own agents need some, and a component that asks
    for all is never placed.
    """
    share = {
        "minMemoryRequiredInMb": capacity.memory_gib * 1024 // 2,
        "numberOfCpuCoresRequired": capacity.vcpus // 2,
    }
    return {**share, "numberOfAcceleratorDevicesRequired": capacity.gpus} if capacity.gpus else share
