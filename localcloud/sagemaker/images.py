"""Chooses the program for a serving image, by `[tool.localcloud.programs]` of pyproject.toml."""

import functools
import re
import sys
import tomllib
from collections.abc import Mapping
from typing import Any

from localcloud.environment import REPOSITORY

# The families whose usual host has NVIDIA's driver 470, and the one host whose driver runs CUDA 13.
# Sources: SageMaker API reference, ProductionVariant.InferenceAmiVersion; the SageMaker Python SDK
# (sagemaker-serve 1.27.0, model_builder_servers.py).
GPU_FAMILIES = ("g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5", "p5e", "p5en")
CUDA_13_HOST = "al2023-ami-sagemaker-inference-gpu-4-1"
_CUDA_13 = re.compile(r"cu13\d\b")


@functools.cache
def programs() -> dict[str, list[str]]:
    """Return the programs that keep images' contracts on this machine, by a part of the image's name.

    `python` is the interpreter of this cloud.
    """
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, list[str]] = settings["tool"]["localcloud"]["programs"]
    return {
        part: [sys.executable if word == "python" else word for word in argv] for part, argv in table.items()
    }


def program_for(image: str) -> list[str] | None:
    """Return the program for an image, None if there is none."""
    return next((program for part, program in programs().items() if part in image), None)


def driver_fits(image: str, variant: Mapping[str, Any]) -> bool:
    """Whether a variant's hosts can start an image: one of CUDA 13 needs the newest driver.

    Elsewhere the container ends before it can write a line of log.
    """
    family = variant.get("InstanceType", "").removeprefix("ml.").partition(".")[0]
    if family not in GPU_FAMILIES or not _CUDA_13.search(image):
        return True
    return bool(variant.get("InferenceAmiVersion") == CUDA_13_HOST)
