"""A Chromium for the tests: the one that npm brings on Linux, else one that is installed."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

MODULES = Path(__file__).parents[3] / "node_modules"
PACKAGE = MODULES / "@sparticuz" / "chromium" / "package.json"
INSTALLED = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    *(found for name in ("chromium", "google-chrome") if (found := shutil.which(name))),
)
#: A busy machine takes long; a test that is wrong takes as long to say so.
PATIENCE_MS = 60_000
_UNPACK = 'import chromium from "@sparticuz/chromium"; await chromium.executablePath()'
#: The package's own names places of AWS Lambda, where its fonts are not; without any, a page ends Chromium.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{place}/fonts</dir><cachedir>{place}/fonts-cache</cachedir></fontconfig>
"""
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-zygote", "--headless=shell")


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds; `Page.wait_for_function` evaluates text, which the page forbids."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        page.wait_for_timeout(50)


@contextmanager
def running_browser(*arguments: str) -> Iterator[Browser]:
    """A headless Chromium with these further arguments; `CHROMIUM` names another program.

    On a Mac without any, the test is skipped.
    """
    program, environment = _program()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(program), args=[*_ARGUMENTS, *arguments], env={**os.environ, **environment}
        )
        try:
            yield browser
        finally:
            browser.close()


def complaints_in(context: BrowserContext) -> list[str]:
    """A list that will hold everything that the pages throw or their policy blocks."""
    found: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            found.append(message.text)

    context.on("weberror", lambda error: found.append(str(error.error)))
    context.on("console", heard)
    return found


def _program() -> tuple[Path, Mapping[str, str]]:
    if named := os.environ.get("CHROMIUM"):
        return Path(named), {}
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return _unpacked()
    found = next((Path(path) for path in INSTALLED if Path(path).exists()), None)
    if found is not None:
        return found, {}
    missing = f"No Chromium for {platform.platform()}: install Chrome, or name one in CHROMIUM."
    if sys.platform == "linux":
        raise FileNotFoundError(missing)
    pytest.skip(missing)


def _unpacked() -> tuple[Path, Mapping[str, str]]:
    """npm's build, made for AWS Lambda; it brings the libraries that a server without a screen lacks."""
    version = json.loads(PACKAGE.read_text(encoding="utf-8"))["version"]
    place = MODULES / ".cache" / f"chromium-{version}"
    if not place.exists():
        _unpack_to(place)
    libraries = {"LD_LIBRARY_PATH": str(place / "al2023" / "lib"), "FONTCONFIG_PATH": str(place / "fonts")}
    return place / "chromium", libraries


def _unpack_to(place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        made = Path(folder, "made")
        made.mkdir()
        lambda_runtime = {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}  # or it leaves the libraries out
        subprocess.run(
            ["node", "--input-type=module", "--eval", _UNPACK],
            cwd=MODULES.parent,
            env={**os.environ, **lambda_runtime, "TMPDIR": str(made)},
            check=True,
        )
        (made / "fonts" / "fonts.conf").write_text(_FONTS.format(place=place), encoding="utf-8")
        with suppress(OSError):  # another test process was first
            made.rename(place)
