"""The memory of training steps, and of reading and tokenizing much text, each in a separate process."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bench.training import LENGTH, SHAPES, run_worker
from bench.training_workers import make_base

ROOT = Path(__file__).parents[3]
#: A processor without instructions for bf16 takes minutes for a step.
pytestmark = pytest.mark.timeout(1500)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the holes are those of glibc")
@pytest.mark.parametrize("size", SHAPES)
def test_steps_on_a_cpu_take_what_was_planned(tmp_path: Path, size: str) -> None:
    shape = SHAPES[size]
    make_base(tmp_path / "base", shape, half=True, device="cpu")
    task = {"folder": str(tmp_path / "base"), "trainer": "ours", "precision": "bf16", "dropout": 0.05}
    task |= {"steps": 3, "length": LENGTH, "vocabulary": shape.vocabulary, "cuda": False}
    run = run_worker(**task)
    assert run["peak_gib"] == pytest.approx(run["predicted_peak_gib"], rel=0.15)


@pytest.mark.parametrize("megabytes", [100])
def test_a_process_grows_by_far_less_than_the_text(weights: Path, tmp_path: Path, megabytes: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with (folder / "a.txt").open("w") as out:
        for n in range(megabytes * 1000):
            out.write(f"Document {n}. " + f"Sales rose by {n} percent. " * 37 + "\n")
    assert (folder / "a.txt").stat().st_size > megabytes * 1_000_000
    script = Path(__file__).with_name("memory_of_reading.py")
    command = [sys.executable, str(script), str(folder), str(weights), str(tmp_path / "scratch")]
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=1500, env=own)
    grown = int(said.stdout)
    # What a batch takes, 150 bytes a document, and the index; the text as tokens would be 400 MB of objects.
    assert grown < 200 << 20, f"{grown >> 20} MiB"
