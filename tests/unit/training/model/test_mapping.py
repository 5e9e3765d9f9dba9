"""The frozen base stays in the pages of its file: nothing is copied into the process."""

import sys
from pathlib import Path

import pytest
import torch

from core.hyperparameters import parse
from training.model.llama.config import LlamaConfig
from training.model.llama.kernels import choose_kernels
from training.model.llama.loading import load_base
from training.model.weights import base_config


def mapped_ranges(name: str) -> list[tuple[int, int]]:
    """Addresses at which this process has files called ``name`` mapped."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    spans = [line[0].split("-") for line in lines if len(line) > 5 and Path(line[5]).name == name]
    return [(int(begin, 16), int(end, 16)) for begin, end in spans]


def lies_in(parameter: torch.Tensor, ranges: list[tuple[int, int]]) -> bool:
    return any(begin <= parameter.data_ptr() < end for begin, end in ranges)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
@pytest.mark.parametrize(("precision", "mapped"), [(torch.bfloat16, True), (torch.float32, False)])
def test_weights_of_the_computing_precision_are_mapped(
    weights: Path, precision: torch.dtype, mapped: bool
) -> None:
    device, config = torch.device("cpu"), LlamaConfig.of(base_config(weights))
    base = load_base(
        weights,
        config,
        kernels=choose_kernels(device),
        precision=precision,
        device=device,
        hyperparameters=parse({}),
    )
    ranges = mapped_ranges("model.safetensors")
    parameters = list(base.parameters())
    assert len(parameters) > 10
    assert {lies_in(parameter, ranges) for parameter in parameters} == {mapped}
