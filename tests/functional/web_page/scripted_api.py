"""A stand-in for the page's API in tests: scripted documents, faults on order, answers as slow as wanted."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

from finexpert.errors import UserError
from finexpert.service.asking import history
from finexpert.service.asking.stores import FileStore
from finexpert.web.http import HTML, NDJSON, Problem, Request, Response, answer, encoded, refusal
from finexpert.web.problems import problem_of
from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page import scripted_shelf
from tests.functional.web_page.scripted_documents import Document

WORDS = {
    "base": "the current status of the specified account and the amount of the notional exposure. ",
    "tuned": "that the hedged book performed within its limits, and volatility was priced in. ",
}
ASLEEP = Problem(HTTPStatus.CONFLICT, "asleep", "Hosting is asleep.", fix="Wake it.")


@dataclass
class ScriptedApi:
    """Answers like `finexpert.web.routes.handle`. Tests change the documents, set `faults`, and hold `pace`.

    Args:
        faults: a problem for each path that shall answer with it.
        texts: each model's whole answer.
        broken: a problem that each model reports after its first words.
        folder: of the history, which is kept by the service itself.
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
    documents: Document = field(default_factory=lambda: copy.deepcopy(scripted_shelf.SHELF))
    prompts: Document = field(default_factory=lambda: copy.deepcopy(documents.PROMPTS))
    questions: list[Document] = field(default_factory=list)
    cut: bool = False
    benchmark: Document | None = None
    folder: TemporaryDirectory[str] = field(default_factory=TemporaryDirectory)
    faults: dict[str, Problem] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=lambda: {name: text * 4 for name, text in WORDS.items()})
    broken: dict[str, Problem] = field(default_factory=dict)
    pace: Event = field(default_factory=Event)
    asked: list[Document] = field(default_factory=list)
    changes: list[tuple[str, str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pace.set()
        self.history = FileStore(Path(self.folder.name))

    def handle(self, request: Request) -> Response:
        """Answer a request; the same paths as finexpert.web.routes.ROUTES."""
        path = request.path.removeprefix("/api")
        if path in self.faults:
            return refusal(self.faults[path])
        for method, pattern, act in self._routes():
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                try:
                    return act(request, *found.groups())
                except UserError as error:
                    return refusal(problem_of(error))
        return refusal(Problem(HTTPStatus.NOT_FOUND, "not_found", f"There is nothing at {request.path}."))

    def _routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        return [
            ("GET", "/session", lambda _: answer(self.session)),
            ("GET", "/prompts", lambda _: answer(self.prompts)),
            ("POST", "/ask", self._ask),
            ("GET", "/threads", self._threads),
            ("POST", "/threads/clear", lambda _: answer(history.remove(self.history) or {})),
            ("GET", "/threads/([^/]+)", lambda _, name: answer(history.thread(self.history, name))),
            ("POST", "/threads/([^/]+)/turns", self._add_turn),
            ("POST", "/threads/([^/]+)/name", self._rename_thread),
            ("POST", "/threads/([^/]+)/turns/([^/]+)/rating", self._rate),
            (
                "POST",
                "/threads/([^/]+)/remove",
                lambda _, name: answer(history.remove(self.history, name) or {}),
            ),
            ("GET", "/questions", lambda _: answer({"questions": self.questions})),
            ("POST", "/questions", self._keep_questions),
            ("POST", "/questions/read", lambda _: answer(documents.OWN_QUESTIONS)),
            ("POST", "/questions/ask", self._ask_own),
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
            ("POST", "/runs/([^/]+)/name", self._name_run),
            ("GET", "/benchmark", lambda _: answer({"benchmark": self.benchmark})),
            ("GET", "/compare", lambda _: answer(documents.PAIR)),
            ("POST", "/datasets", self._check),
            ("POST", "/datasets/example", self._example),
            ("GET", "/documents", lambda _: answer(self.documents)),
            ("POST", "/documents", self._add),
            ("POST", "/documents/ask", self._ask_documents),
            ("POST", "/documents/read", self._read_documents),
            ("GET", "/documents/page", lambda _: answer(scripted_shelf.PAGE)),
        ]

    def _ask(self, request: Request) -> Response:
        self.asked.append(request.document())
        if self.endpoint["state"] != "awake":
            return refusal(ASLEEP)
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
                yield _line(
                    {
                        "event": "answer",
                        "model": name,
                        "text": self.texts[name],
                        "seconds": 1.25,
                        "cut": self.cut,
                    }
                )
        for problem in self.broken.values():
            yield _line({"event": "error", "error": problem.document()})
        yield _line({"event": "end", "forgotten": 0})

    def _threads(self, request: Request) -> Response:
        return answer({"threads": history.threads(self.history, request.query.get("search", ""))})

    def _add_turn(self, request: Request, name: str) -> Response:
        return answer(history.add_turn(self.history, name, request.document(), datetime.now(UTC)))

    def _rename_thread(self, request: Request, name: str) -> Response:
        return answer(history.rename(self.history, name, request.document()["name"]))

    def _rate(self, request: Request, name: str, turn: str) -> Response:
        rating = request.document()
        return answer(
            history.rate(
                self.history, name, turn, rating["model"], thumb=rating["thumb"], note=rating["note"]
            )
        )

    def _keep_questions(self, request: Request) -> Response:
        self.questions = request.document()["questions"]
        return answer({"questions": self.questions})

    def _ask_own(self, request: Request) -> Response:
        right = str(request.document()["question"]["answer"])
        graded = {"base": ("I cannot say.", "declined"), "tuned": (right, "right")}
        return answer(
            {
                "answers": [
                    {"model": name, "text": text, "outcome": end} for name, (text, end) in graded.items()
                ]
            }
        )

    def _name_run(self, request: Request, name: str) -> Response:
        self.runs[name]["title"] = request.document()["name"]
        return answer({"run": name, "title": self.runs[name]["title"]})

    def _example(self, request: Request) -> Response:
        self.changes.append((request.method, request.path, None))
        return answer(self.checked)

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
        head = json.loads(request.body.partition(b"\n")[0])
        self.changes.append((request.method, request.path, head))
        return answer(self.checked)

    def _add(self, request: Request) -> Response:
        self.changes.append((request.method, request.path, request.query["name"]))
        self.documents = copy.deepcopy(scripted_shelf.SHELF)
        return answer({"document": request.query["name"], "outcome": "added", "why": ""})

    def _ask_documents(self, request: Request) -> Response:
        self.asked.append(request.document())
        refused = "2010" in request.document()["question"]
        return answer(scripted_shelf.REFUSED_FIGURE if refused else scripted_shelf.FIGURE)

    def _read_documents(self, request: Request) -> Response:
        self.asked.append(request.document())
        if self.endpoint["state"] != "awake":
            return refusal(ASLEEP)
        return answer(scripted_shelf.WORDED)

    def _start(self, request: Request) -> Response:
        self.changes.append((request.method, request.path, request.document()))
        self.runs[documents.RUN] = documents.training(3)
        return answer({"run": documents.RUN}, HTTPStatus.CREATED)


def _line(event: Document) -> bytes:
    return encoded(event) + b"\n"
