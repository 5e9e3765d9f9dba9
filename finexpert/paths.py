"""Where the checkout's own files are. The command line works from any folder."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL_SETTINGS = ROOT / "localcloud" / "settings.json"
LOCAL_STATE = ROOT / ".localcloud"
BASE_MODEL = ROOT / "base_model"
SAMPLE = ROOT / "finexpert" / "sample"
OUT = ROOT / "out"


def state() -> Path:
    """The folder of the user's own state: FINEXPERT_STATE, else `.finexpert/` in the checkout."""
    return Path(os.environ.get("FINEXPERT_STATE") or ROOT / ".finexpert")
