"""The uploaded assets: the functions' code and the training program; equal sources give equal assets."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.settings import SettingsError

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = frozenset({".py", ".json", ".jsonl", ".css", ".html", ".js", ".mjs", ".svg", ".txt"})

LAMBDA_SOURCES = ("core", "lambdas")
#: What only the function that checks datasets reads of core, and what no function but the page reads.
DATASET, DOCUMENTS = ("core/dataset", "core/hyperparameters.py"), "core/documents"
TRAINING_SOURCES = ("core", "training")
# The page's function runs what the command line runs, without what needs a terminal, NumPy or a server.
WEB_SOURCES = (
    *LAMBDA_SOURCES,
    *(f"finexpert/{name}.py" for name in ("__init__", "errors", "paths", "text")),
    *("finexpert/service", "finexpert/web", "infra/__init__.py", "infra/settings.py"),
    *("infra/setting_checks.py", "infra/setting_consistency.py", "training/report"),
    *("training/__init__.py", "training/evaluation", "finexpert/sample"),
)


@dataclass(frozen=True)
class Assets:
    """Folders with the staged code; they exist only while the app is being synthesized."""

    functions: Path
    validation: Path
    training: Path
    web: Path


@contextmanager
def staged(root: Path = ROOT, *, web: bool = False) -> Iterator[Assets]:
    """Stage the assets in a folder of this synth alone, so that two at once do not meet.

    `web`: the page's too, for which its libraries must have been installed.
    """
    with tempfile.TemporaryDirectory(prefix="finexpert-assets-") as folder:
        assets = Assets(*(Path(folder, name) for name in ("functions", "validation", "training", "web")))
        stage(root, LAMBDA_SOURCES, assets.functions, without=(*DATASET, DOCUMENTS))
        stage(root, LAMBDA_SOURCES, assets.validation, without=(DOCUMENTS,))
        stage(root, TRAINING_SOURCES, assets.training, without=(DOCUMENTS,))
        if web:
            stage(root, (*WEB_SOURCES, *_libraries(root)), assets.web)
        yield assets


def _libraries(root: Path) -> tuple[str, ...]:
    """The files that the page serves as its libraries.

    Raises:
        SettingsError: they are not installed.
    """
    table = json.loads((root / "finexpert" / "web" / "vendor.json").read_text(encoding="utf-8"))
    found = tuple(f"node_modules/{place}" for place in table.values())
    if not all((root / file).is_file() for file in found):
        raise SettingsError(["web is true: the page's libraries are not installed; run npm ci, then repeat"])
    return found


def stage(root: Path, sources: tuple[str, ...], target: Path, *, without: tuple[str, ...] = ()) -> None:
    """Copy files and folders (relative to `root`) into `target`, keeping code and its data files only.

    The folders named in `without` are left out.

    Modes are set alike everywhere: a strict umask would otherwise upload files that Lambda cannot read.
    """
    for source in sources:
        for path in sorted(_files(root / source)):
            if any(path.is_relative_to(root / folder) for folder in without):
                continue
            copy = target / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            shutil.copyfile(path, copy)
            copy.chmod(0o644)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for entry in path.iterdir():
        if entry.name == "__pycache__" or entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix in SUFFIXES:
            yield entry
