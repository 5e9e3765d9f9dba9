"""SageMaker's instance types: GPUs, memory, own disks, and whether a type suits the recipe.

Figures: EC2's instance type pages, which hold for SageMaker's `ml.` types too.
"""

import re
from dataclasses import dataclass

RECIPE_GPU_GIB = 24
"""GPU memory that the recipe needs to train Llama 2 7B."""

_GPU_GIB = {"p3": 16, "g4dn": 16, "g5": 24, "g6": 24, "g6e": 48, "p4d": 40, "p4de": 80, "p5": 80}
"""Nominal memory of one GPU by family."""

# Families with local NVMe disks, which the instance itself encrypts: SageMaker mounts them instead of a
# volume, bills no volume, and refuses a key for one. A "d" after the generation says so (m5d, g4dn, p4de),
# others by family. Source: EC2's table of instance store volumes; botocore's documentation of ResourceConfig
# (VolumeSizeInGB, VolumeKmsKeyId).
_LOCAL_DISKS = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6|g6e|gr6|p5|p5e|p5en|trn1n?|trn2)\.")


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
"""Types that the endpoint can run on: those that `prices.json` prices for hosting, and their relatives."""


def gpu_gib(instance_type: str) -> int | None:
    """Nominal GiB of one GPU of a type such as `ml.g5.2xlarge`; None for a family that is not known here."""
    return _GPU_GIB.get(instance_type.removeprefix("ml.").partition(".")[0])


def suits_the_recipe(instance_type: str) -> bool:
    """Whether one of its GPUs is known to hold the recipe's training of Llama 2 7B."""
    return (gpu_gib(instance_type) or 0) >= RECIPE_GPU_GIB


def has_local_disks(instance_type: str) -> bool:
    """Whether the type stores on its own encrypted disks, and not on a volume that is billed."""
    return _LOCAL_DISKS.match(instance_type) is not None
