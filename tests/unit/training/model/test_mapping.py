"""The frozen base stays in the pages of its file: nothing is copied into the process."""

import sys
from pathlib import Path

import pytest
import torch

from core.hyperparameters import parse
from training.model.base import load_base


def mapped_ranges(name: str) -> list[tuple[int, int]]:
    """Addresses at which this process has files called ``name`` mapped."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    spans = [line[0].split("-") for line in lines if len(line) > 5 and Path(line[5]).name == name]
    return [(int(begin, 16), int(end, 16)) for begin, end in spans]


def lies_in(parameter: torch.Tensor, ranges: list[tuple[int, int]]) -> bool:
    return any(begin <= parameter.data_ptr() < end for begin, end in ranges)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has mapped")
@pytest.mark.parametrize(("precision", "mapped"), [(torch.bfloat16, True), (torch.float32, False)])
def test_weights_of_its_precision_are_mapped(weights: Path, precision: torch.dtype, mapped: bool) -> None:
    base = load_base(weights, precision, torch.device("cpu"), parse({}))
    ranges = mapped_ranges("model.safetensors")
    parameters = list(base.parameters())
    assert len(parameters) > 10
    assert {lies_in(parameter, ranges) for parameter in parameters} == {mapped}
