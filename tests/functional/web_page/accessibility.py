"""What axe-core finds on a page."""

from typing import Any

from playwright.sync_api import Page

from tests.functional.web_page.chromium import MODULES

_AXE = (MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, *rules: str) -> list[str]:
    """A line each: the rule, and the element. All rules, or those named."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    options = {"iframes": False} | ({"runOnly": list(rules)} if rules else {})
    found: Any = page.evaluate("options => axe.run(options)", options)
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found["violations"] for node in rule["nodes"]]
