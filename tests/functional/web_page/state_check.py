"""What holds in every state: what it shows, nothing for axe to find, light and dark, the width of a phone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.functional.web_page.accessibility import violations
from tests.functional.web_page.page_states import State
from tests.functional.web_page.scripted_api import ScriptedApi

PHONE: Any = {"width": 360, "height": 740}


def hold(state: State, visit: Callable[..., Page], api: ScriptedApi) -> None:
    """Bring the page into the state and look at it; `FINEXPERT_SCREENSHOTS` names a folder for pictures."""
    state.prepare(api)
    page = visit(state.route)
    state.act(page)
    expect(page.get_by_role("main")).to_contain_text(state.shows, ignore_case=True)
    assert violations(page) == [], violations(page)
    _photograph(page, f"{state.name}-desktop-light")
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast") == []
    _photograph(page, f"{state.name}-desktop-dark")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    _photograph(page, f"{state.name}-phone-dark")


def _photograph(page: Page, name: str) -> None:
    folder = os.environ.get("FINEXPERT_SCREENSHOTS")
    if folder:
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)
