"""Measures how soon the page of `finexpert web` shows something, and its size: `python -m bench.web_page`.

Every load is a first one, in a browser with an empty cache, from the page's own server on this machine; the
documents behind it are the scripted ones of the page's tests, so the cloud's own time is not in it. First
paint is the browser's own first-contentful-paint, ready is when the three steps can be clicked. The weight is
what went over the wire once all five tabs had been open. Results: bench/results/web_page.json.
"""

import json
import os
import platform
import statistics
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from bench import common
from tests.functional.web_page.chromium import running_browser
from tests.functional.web_page.page_server import PageServer, running_page

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
TABS = ("Ask", "Documents", "Models", "Costs")


def load(browser: Browser, server: PageServer) -> tuple[float, float]:
    """Milliseconds until the first paint, and until the three steps can be clicked."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(server.link)
    page.get_by_role("link", name="Bring text").wait_for()
    ready, paint = page.evaluate("performance.now()"), page.evaluate(FIRST_PAINT)
    context.close()
    return paint, ready


def weigh(browser: Browser, server: PageServer) -> dict[str, int]:
    """The bytes of every file of the page, documents of the API left out."""
    sizes: dict[str, int] = {}
    page = browser.new_context(locale="en-GB").new_page()
    page.on("response", lambda answer: sizes.update({urlsplit(answer.url).path: len(answer.body())}))
    page.goto(server.link)
    for tab in TABS:
        page.get_by_role("navigation").get_by_role("link", name=tab).click()
        page.get_by_role("heading", level=2).first.wait_for()
    page.locator("canvas").wait_for()
    return {path: size for path, size in sorted(sizes.items()) if not path.startswith("/api/")}


def main() -> None:
    """Measure, print and store."""
    parser = common.command_line(__doc__)
    parser.add_argument("--loads", type=int, default=15)
    loads = parser.parse_args().loads
    with running_browser() as browser, running_page() as server:
        times = [load(browser, server) for _ in range(loads)]
        files = weigh(browser, server)
        version = browser.version
    paints, readies = zip(*times, strict=True)
    result = {
        "first_paint_ms": {"median": round(statistics.median(paints)), "worst": round(max(paints))},
        "ready_ms": {"median": round(statistics.median(readies)), "worst": round(max(readies))},
        "loads": loads,
        "bytes": sum(files.values()),
        "files": files,
        "chromium": version,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    common.store("web_page", result)
    print(json.dumps({name: value for name, value in result.items() if name != "files"}, indent=1))


if __name__ == "__main__":
    main()
