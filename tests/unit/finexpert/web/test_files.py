"""The page's own files, and nothing else of this machine."""

import re
from base64 import b64decode

import pytest

from finexpert.web import files
from finexpert.web.http import Problem


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "//etc/passwd",
        "/vendor/../../package.json",
        "/%2e%2e/door.py",
        "/door.py",
        "/vendor/package.json",
        "/static/index.html",
        "/.",
        "/index.html/",
        "/index.html\x00",
        "/v/000000000000/../door.py",
        "/v/000000000000/%2e%2e/door.py",
        "/v/0/app.js",
        "/v/000000000000/",
    ],
)
def test_no_path_leads_out(path: str) -> None:
    with pytest.raises(Problem) as caught:
        files.serve(path)
    assert caught.value.status == 404


def test_the_page_comes_with_a_policy_that_runs_only_its_own_files() -> None:
    page = files.serve("/", connect=["https://sign-in.example"])
    assert page.body == files.serve("/index.html").body
    policy = dict(rule.split(" ", 1) for rule in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self' https://sign-in.example"
    for name in ("script-src", "style-src"):
        sources = policy[name].split(" ")
        assert sources[0] == "'self'"
        for source in sources[1:]:
            assert len(b64decode(source.removeprefix("'sha256-").removesuffix("'"))) == 32


def test_a_browser_keeps_the_pages_own_files_until_they_change(monkeypatch: pytest.MonkeyPatch) -> None:
    page = bytes(files.serve("/").body).decode()  # type: ignore[arg-type]
    named = re.findall(r'(?:href|src)="(?!/vendor/)([^"]+)"', page)
    assert {name.rpartition("/")[2] for name in named} == {"icon.svg", "app.css", "app.js"}
    for name in named:
        served = files.serve(f"/{name}")
        assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert served.body == files.serve(f"/{name.rpartition('/')[2]}").body
    other = named[0].replace(named[0].split("/")[1], "0" * 12)
    assert files.serve(f"/{other}").headers["Cache-Control"] == "no-cache"
    assert files.serve("/").headers["Cache-Control"] == "no-cache"


def test_every_inline_script_of_the_page_is_an_import_map_which_the_policy_names() -> None:
    page = (files.STATIC / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page, re.DOTALL)
    assert all(files.digest(script) in files.policy(page) for script in inline)
    assert "<style" not in page and " style=" not in page and " onclick=" not in page


def test_libraries_are_served_by_name_with_their_type() -> None:
    for name in ("preact.js", "uplot.css"):
        library = files.serve(f"/vendor/{name}")
        assert isinstance(library.body, bytes) and len(library.body) > 500
        assert library.content_type.startswith("text/")
