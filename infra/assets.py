"""What is uploaded: the functions' code and the training program; equal sources give equal assets."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = frozenset({".py", ".json", ".jsonl", ".css", ".html", ".js", ".svg", ".txt"})
LEFT_OUT = frozenset({"__pycache__", "base_model"})  # base_model: builds the weights of the local runs

# Lambdas read datasets and hyperparameters with the trainer's own modules, the ones of standard library only.
LAMBDA_SOURCES = ("lambdas", "training/__init__.py", "training/hyperparameters.py", "training/dataset")
TRAINING_SOURCES = ("training",)


@dataclass(frozen=True)
class Assets:
    """Folders with the staged code; they exist only while the app is being synthesized."""

    functions: Path
    training: Path


@contextmanager
def staged(root: Path = ROOT) -> Iterator[Assets]:
    """Stage both assets in a folder of this synth alone, so that two at once do not meet."""
    with tempfile.TemporaryDirectory(prefix="finexpert-assets-") as folder:
        assets = Assets(functions=Path(folder, "functions"), training=Path(folder, "training"))
        stage(root, LAMBDA_SOURCES, assets.functions)
        stage(root, TRAINING_SOURCES, assets.training)
        yield assets


def stage(root: Path, sources: tuple[str, ...], target: Path) -> None:
    """Copy files and folders (relative to `root`) into `target`, keeping code and its data files only.

    Modes are set alike everywhere: a strict umask would otherwise upload files that Lambda cannot read.
    """
    for source in sources:
        for path in sorted(_files(root / source)):
            copy = target / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            shutil.copyfile(path, copy)
            copy.chmod(0o644)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for entry in path.iterdir():
        if entry.name in LEFT_OUT or entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix in SUFFIXES:
            yield entry
