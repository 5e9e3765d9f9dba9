"""The page itself: files of `static/`, libraries from node_modules, and what a browser may do with them."""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path

from finexpert import paths
from finexpert.web.http import HTML, Problem, Response

STATIC = Path(__file__).resolve().parent / "static"
LIBRARIES = paths.ROOT / "node_modules"
REPORT_STYLE = paths.ROOT / "training" / "report" / "style.css"

VENDOR = Path(__file__).resolve().parent / "vendor.json"
"""What `/vendor/NAME` is, below node_modules: read here, and where the page's function is put together."""

_TYPES = {
    ".html": HTML,
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_INLINE = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)

_OWN_FILE = re.compile(r'\b(href|src)="(?=[a-z_]+\.)')
_VERSIONED = re.compile(r"v/(?P<version>[0-9a-f]{12})/(?P<name>.+)")

LIBRARY_SECONDS = 3600
LASTING = "public, max-age=31536000, immutable"
"""For a file below the version of the page that it is part of: another version has another address."""
GUARDS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
"""Headers of every answer."""


def serve(path: str, *, connect: Iterable[str] = ()) -> Response:
    """The file at a path of the page; no path leads anywhere else.

    Args:
        connect: other origins that the page may call, such as where people sign in.

    Raises:
        Problem: there is none.
    """
    known, name = _known(), path.removeprefix("/") or "index.html"
    versioned = _VERSIONED.fullmatch(name)
    file = known.get(versioned["name"] if versioned else name)
    if file is None or not file.is_file():
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", f"There is nothing at {path[:200]}.")
    body = file.read_bytes()
    lasting = versioned is not None and versioned["version"] == _version(known)
    library = path.startswith("/vendor/")
    kept = LASTING if lasting else f"public, max-age={LIBRARY_SECONDS}" if library else "no-cache"
    headers = {"Cache-Control": kept}
    if file.suffix == ".html":
        body = _OWN_FILE.sub(f'\\1="v/{_version(known)}/', body.decode()).encode()
        headers["Content-Security-Policy"] = policy(body.decode(), connect)
    return Response(body=body, content_type=_TYPES[file.suffix], headers=headers)


def _known() -> dict[str, Path]:
    own = {file.relative_to(STATIC).as_posix(): file for file in STATIC.rglob("*") if file.suffix in _TYPES}
    libraries = json.loads(VENDOR.read_text(encoding="utf-8"))
    return own | {f"vendor/{name}": LIBRARIES / place for name, place in libraries.items()}


def _version(known: Mapping[str, Path]) -> str:
    """A name for the contents of all files of the page."""
    own = sorted((name, file) for name, file in known.items() if not name.startswith("vendor/"))
    contents = hashlib.sha256()
    for name, file in own:
        contents.update(f"{name}\0".encode() + file.read_bytes())
    return contents.hexdigest()[:12]


def policy(page: str, connect: Iterable[str] = ()) -> str:
    """The Content-Security-Policy of the page.

    Nothing that is not a file of this origin runs or styles anything; the hashes are of the page's own import
    map, and of the style inside training reports, which a sandboxed frame shows under the page's policy.
    """
    scripts = ["'self'", *map(digest, _INLINE.findall(page))]
    style = REPORT_STYLE.read_text(encoding="utf-8")
    rules = {
        "default-src": ["'none'"],
        "script-src": scripts,
        "style-src": ["'self'", digest(f"\n{style}")],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'", *connect],
        "frame-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in rules.items())


def digest(text: str) -> str:
    """A Content-Security-Policy's name for an inline text."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
