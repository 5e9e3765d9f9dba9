"""Browser, page server and scripted documents are those of the functional tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "functional" / "web_page"))

from page_fixtures import api, browser, context, server, visit

__all__ = ["api", "browser", "context", "server", "visit"]
