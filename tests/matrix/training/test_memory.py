"""Reading and tokenizing much text with a real tokenizer, in a separate process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


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
