"""Every state of the page: what it shows, no accessibility violation, light and dark, on a phone too.

To look at them by eye: FINEXPERT_SCREENSHOTS=out/screens pytest tests/functional/web_page -k every_state
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from accessibility import violations
from page_states import STATES, State
from playwright.sync_api import Page, expect

PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_state(visit, api, state: State):
    state.prepare(api)
    page = visit(state.route)
    state.act(page)
    expect(page.get_by_role("main")).to_contain_text(state.shows, ignore_case=True)
    assert violations(page) == []
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
