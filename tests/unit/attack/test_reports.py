"""Reports that were saved, and the page's key on this machine."""

import os
import stat
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from finexpert.cli.commands import web
from finexpert.service.runs import executions

HOSTILE = [
    b"<script>alert(1)</script>",
    b"\xef\xbb\xbf<!doctype html><html><head><script src=http://127.0.0.1:1></script></head></html>",
    b"<!--",
    b"<meta http-equiv='Content-Security-Policy' content=\"script-src *\"><script>1</script>",
]


@pytest.mark.parametrize("html", HOSTILE)
def test_a_report_carries_its_policy_before_anything_of_the_job(html: bytes) -> None:
    sealed = executions.sealed(html).decode()
    policy = '<meta http-equiv="Content-Security-Policy"'
    assert sealed.startswith(f'<!doctype html><meta charset="utf-8">{policy}')
    policy = sealed.split('content="')[1].split('"')[0]
    assert "default-src 'none'" in policy and "script-src" not in policy and "unsafe-eval" not in policy
    assert sealed.index("default-src") < sealed.index(html.removeprefix(b"\xef\xbb\xbf").decode()[:4], 120)


def test_the_browser_is_started_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    found: list[tuple[str, int, int]] = []

    def start(url: str) -> bool:
        started.append(url)
        file = Path(unquote(urlsplit(url).path))
        modes = stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)
        found.append((file.read_text(), *modes))
        return True

    monkeypatch.setattr(webbrowser, "open", start)
    monkeypatch.setattr(web, "OPEN_SECONDS", 0.0)
    previous = os.umask(0)
    try:
        web.open_privately("http://127.0.0.1:4000/#token=the-key")
    finally:
        os.umask(previous)
    assert "the-key" not in started[0]
    assert found[0][1:] == (0o600, 0o700) and "#token=the-key" in found[0][0]
    assert not Path(unquote(urlsplit(started[0]).path)).exists()
