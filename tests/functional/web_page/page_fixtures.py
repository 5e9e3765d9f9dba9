"""The page in a headless Chromium, with scripted documents behind it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.functional.web_page.chromium import PATIENCE_MS, complaints_in, running_browser
from tests.functional.web_page.page_server import PageServer, running_page
from tests.functional.web_page.scripted_api import ScriptedApi

Visit = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def server() -> Iterator[PageServer]:
    """The page's server."""
    with running_page() as server:
        yield server


@pytest.fixture
def api(server: PageServer) -> Iterator[ScriptedApi]:
    """The API that the page talks to; fresh for each test."""
    server.api = ScriptedApi()
    yield server.api
    server.api.pace.set()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a past. Everything that the page throws or its policy blocks fails the test."""
    clipboard = ["clipboard-read", "clipboard-write"]
    context = browser.new_context(locale="en-GB", reduced_motion="reduce", permissions=clipboard)
    context.set_default_timeout(PATIENCE_MS)
    complaints = complaints_in(context)
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def visit(context: BrowserContext, server: PageServer, api: ScriptedApi) -> Visit:
    """`visit("money")`: the page, opened by the printed link, on one of its tabs."""

    def open_page(route: str = "ask") -> Page:
        page = context.new_page()
        page.goto(server.link)
        page.get_by_role("navigation").wait_for()
        page.goto(f"{server.address}#/{route}")
        page.get_by_role("heading", level=1).wait_for(state="attached")
        return page

    return open_page


@pytest.fixture
def no_documents(api: ScriptedApi) -> None:
    """Only the models are asked."""
    api.documents["documents"] = []
