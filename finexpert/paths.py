"""Where the checkout's own files are. The command line works from any folder."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL_SETTINGS = ROOT / "localcloud" / "settings.json"
LOCAL_STATE = ROOT / ".localcloud"
BASE_MODEL = ROOT / "base_model"
SAMPLE = ROOT / "finexpert" / "sample"
OUT = ROOT / "out"
