"""Run as a program: how many bytes the process grows by at most while a dataset is read, tokenized, split and
packed. Arguments: the dataset's folder, the base model's, and one for the tokens."""

import resource
import sys
import tempfile
from pathlib import Path

from core.dataset import local_sources
from core.hyperparameters import parse
from training.data.corpus import read_data
from training.data.packing import pack
from training.data.tokenizer import load_tokenizer


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def read(folder: Path, weights: Path, scratch: Path) -> int:
    """Rows of the dataset."""
    data = read_data(
        local_sources(folder),
        None,
        parse({}),
        load_tokenizer(weights),
        scratch=scratch,
        length=1024,
        check=lambda: None,
    )
    rows = pack(data.of_task(""), 1024)
    assert sum(len(piece.tokens) for piece in rows[len(rows) // 2]) <= 1024
    return len(rows)


if __name__ == "__main__":
    data_folder, weights_folder, tokens_folder = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as small:
        (Path(small) / "a.txt").write_text("\n".join(f"Sales rose by {n} percent." for n in range(50)))
        read(Path(small), weights_folder, Path(small) / "tokens")  # libraries take what they take once
    before = peak()
    read(data_folder, weights_folder, tokens_folder)
    print(peak() - before)
