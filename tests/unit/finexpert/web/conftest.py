"""A page's context over an app in memory, and requests to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from finexpert.web.context import Context, Kept
from finexpert.web.http import JSON, Request
from finexpert.web.routes import handle
from tests.unit.finexpert.web.web_app import NOW, Ask, Deployment, whole


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    """Nothing is kept in memory, so that each request reads; the history lies in a folder of the test."""
    monkeypatch.setenv("FINEXPERT_STATE", str(tmp_path))
    return Context(
        deployment=Deployment(),  # type: ignore[arg-type]
        streams=True,
        compares=True,
        now=lambda: NOW,
        looks=Kept(0.0),
        sums=Kept(0.0),
    )


@pytest.fixture
def ask(context: Context) -> Ask:
    """Status and document of a request, as the page would send it."""

    def send(method: str, path: str, document: Any = None, *, body: bytes = b"", **query: str) -> Any:
        sent = body if document is None else json.dumps(document).encode()
        headers = {"content-type": JSON}
        request = Request(method=method, path=path, query=query, headers=headers, body=sent)
        response = handle(request, context)
        return int(response.status), json.loads(whole(response))

    return send
