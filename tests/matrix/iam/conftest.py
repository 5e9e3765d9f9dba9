"""What these tests share with the functional ones lies there."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parents[2] / "functional" / folder) for folder in ("guarded", "app")]
