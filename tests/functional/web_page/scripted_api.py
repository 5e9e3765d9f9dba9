"""A stand-in for the page's API in tests: scripted documents, faults on order, answers as slow as wanted."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Event
from typing import Any

from finexpert.web.http import HTML, NDJSON, Problem, Request, Response, answer, encoded, refusal
from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.scripted_documents import Document

WORDS = {
    "base": "the current status of the specified account and the amount of the notional exposure. ",
    "tuned": "that the hedged book performed within its limits, and volatility was priced in. ",
}


@dataclass
class ScriptedApi:
    """Answers like `finexpert.web.routes.handle`. Tests change the documents, set `faults`, and hold `pace`.

    Args:
        faults: a problem for each path that shall answer with it.
        texts: each model's whole answer.
        broken: a problem that each model reports after its first words.
        pace: the rest of an answer is only sent once this is set.
        asked: every question that came, as sent.
        changes: every other change that was asked for: method, path and body.
    """

    session: Document = field(default_factory=lambda: copy.deepcopy(documents.SESSION))
    endpoint: Document = field(default_factory=lambda: documents.endpoint("awake"))
    money: Document = field(default_factory=documents.money)
    decisions: Document = field(default_factory=documents.decisions)
    listed: list[Document] = field(default_factory=documents.runs)
    runs: dict[str, Document] = field(default_factory=lambda: {documents.RUN: documents.run()})
    checked: Document = field(default_factory=lambda: copy.deepcopy(documents.CHECKED))
    documents: Document = field(default_factory=lambda: copy.deepcopy(documents.SHELF))
    faults: dict[str, Problem] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=lambda: {name: text * 4 for name, text in WORDS.items()})
    broken: dict[str, Problem] = field(default_factory=dict)
    pace: Event = field(default_factory=Event)
    asked: list[Document] = field(default_factory=list)
    changes: list[tuple[str, str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pace.set()

    def handle(self, request: Request) -> Response:
        """Answer a request; the same paths as finexpert.web.routes.ROUTES."""
        path = request.path.removeprefix("/api")
        if path in self.faults:
            return refusal(self.faults[path])
        for method, pattern, act in self._routes():
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                return act(request, *found.groups())
        return refusal(Problem(HTTPStatus.NOT_FOUND, "not_found", f"There is nothing at {request.path}."))

    def _routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        return [
            ("GET", "/session", lambda _: answer(self.session)),
            ("POST", "/ask", self._ask),
            ("GET", "/endpoint", lambda _: answer(self.endpoint)),
            ("POST", "/endpoint/(wake|finish|sleep|keep)", self._change_endpoint),
            ("GET", "/money", lambda _: answer(self.money)),
            ("GET", "/decisions", lambda _: answer(self.decisions)),
            ("GET", "/runs", lambda _: answer({"runs": self.listed})),
            ("POST", "/runs", self._start),
            ("GET", "/runs/([^/]+)", self._run),
            (
                "GET",
                "/runs/([^/]+)/report",
                lambda *_: Response(body=documents.REPORT.encode(), content_type=HTML),
            ),
            ("POST", "/runs/([^/]+)/(promote|stop)", self._change_run),
            ("GET", "/compare", lambda _: answer(documents.PAIR)),
            ("POST", "/datasets", self._check),
            ("GET", "/documents", lambda _: answer(self.documents)),
            ("POST", "/documents", self._add),
            ("POST", "/documents/ask", self._ask_documents),
            ("GET", "/documents/page", lambda _: answer(documents.PAGE)),
        ]

    def _ask(self, request: Request) -> Response:
        self.asked.append(request.document())
        if self.endpoint["state"] != "awake":
            return refusal(Problem(HTTPStatus.CONFLICT, "asleep", "Hosting is asleep.", fix="Wake it."))
        return Response(body=self._events(), content_type=NDJSON)

    def _events(self) -> Iterator[bytes]:
        models = self.endpoint["models"]
        for part in (1, 2, 3):
            for name in models:
                text = self.texts[name]
                if name not in self.broken or part == 1:
                    yield _line({"event": "text", "model": name, "text": text[: len(text) * part // 3]})
            self.pace.wait(60)
        for name in models:
            if name not in self.broken:
                yield _line({"event": "answer", "model": name, "text": self.texts[name], "seconds": 1.25})
        for problem in self.broken.values():
            yield _line({"event": "error", "error": problem.document()})
        yield _line({"event": "end"})

    def _change_endpoint(self, request: Request, action: str) -> Response:
        self.changes.append((request.method, request.path, request.document()))
        if action == "keep":
            until = datetime.now(UTC).replace(microsecond=0).isoformat()
            self.endpoint = self.endpoint | {"kept_until": until}
            return answer(self.endpoint)
        if action == "finish":
            return answer(self.endpoint)
        began: Any = {"wake_began": datetime.now(UTC).isoformat()} if action == "wake" else {}
        self.endpoint = documents.endpoint("waking" if action == "wake" else "going_to_sleep", **began)
        return answer(self.endpoint, HTTPStatus.ACCEPTED)

    def _run(self, request: Request, name: str) -> Response:
        if name not in self.runs:
            problem = Problem(
                HTTPStatus.NOT_FOUND, "not_found", f"There is no run {name}.", fix="See the list."
            )
            return refusal(problem)
        return answer(self.runs[name])

    def _change_run(self, request: Request, name: str, action: str) -> Response:
        self.changes.append((request.method, request.path, request.document()))
        if action == "promote":
            self.endpoint = documents.endpoint("waking")
            return answer(self.endpoint, HTTPStatus.ACCEPTED)
        self.runs[name] = self.runs[name] | {"status": "ABORTED", "stage": "ended", "stage_words": "aborted"}
        return answer({"run": name, "stopped": True}, HTTPStatus.ACCEPTED)

    def _check(self, request: Request) -> Response:
        self.changes.append((request.method, request.path, request.query["name"]))
        return answer(self.checked)

    def _add(self, request: Request) -> Response:
        self.changes.append((request.method, request.path, request.query["name"]))
        self.documents = copy.deepcopy(documents.SHELF)
        return answer({"document": request.query["name"], "outcome": "added", "why": ""})

    def _ask_documents(self, request: Request) -> Response:
        self.asked.append(request.document())
        refused = "2010" in request.document()["question"]
        return answer(documents.REFUSED_FIGURE if refused else documents.FIGURE)

    def _start(self, request: Request) -> Response:
        self.changes.append((request.method, request.path, request.document()))
        self.runs[documents.RUN] = documents.training(3)
        return answer({"run": documents.RUN}, HTTPStatus.CREATED)


def _line(event: Document) -> bytes:
    return encoded(event) + b"\n"
