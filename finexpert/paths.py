"""The checkout's own files, and what is done with any file. The command line works from any folder."""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL_SETTINGS = ROOT / "localcloud" / "settings.json"
LOCAL_STATE = ROOT / ".localcloud"
BASE_MODEL = ROOT / "base_model"
SAMPLE = ROOT / "finexpert" / "sample"
OUT = ROOT / "out"


def visible(path: Path) -> dict[str, Path]:
    """The file at `path`, or all below that folder, by their names there; sorted, hidden ones left out."""
    root, found = (path.parent, [path]) if path.is_file() else (path, sorted(path.rglob("*")))
    names = {file.relative_to(root): file for file in found if file.is_file()}
    return {
        name.as_posix(): file
        for name, file in names.items()
        if not any(part.startswith(".") for part in name.parts)
    }


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that was there keeps its rights."""
    handle, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    draft = Path(beside)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        draft.chmod(file.stat().st_mode if file.exists() else 0o600)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def state() -> Path:
    """The folder of the user's own state: FINEXPERT_STATE, else `.finexpert/` in the checkout."""
    return Path(os.environ.get("FINEXPERT_STATE") or ROOT / ".finexpert")
