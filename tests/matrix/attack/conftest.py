"""A separate cloud, and a Chromium in which a name points at this machine, as after a DNS rebinding."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.functional.conftest import client, cloud
from tests.functional.web_page.chromium import running_browser

REBOUND = "rebound.example"

__all__ = ["client", "cloud"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running_browser(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as running:
        yield running
