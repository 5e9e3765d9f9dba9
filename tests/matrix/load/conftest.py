"""What these tests share with the functional and the serving ones lies there."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
sys.path += [str(TESTS / "functional" / "guarded"), str(TESTS / "unit" / "serving")]

from guarded_fixtures import app  # noqa: E402

__all__ = ["app"]
