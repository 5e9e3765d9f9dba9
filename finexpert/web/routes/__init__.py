"""Chooses the function that answers a path, and turns what it raises into an answer."""

import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from finexpert.service.runs.executions import RUN_NAME
from finexpert.web.context import Context
from finexpert.web.http import Problem, Request, Response, refusal
from finexpert.web.problems import problem_of
from finexpert.web.routes import ask, datasets, documents, endpoint, money, questions, runs, threads

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Route:
    """A method, a path in which `{run}` and the like stand for names, and the function that answers."""

    method: str
    path: str
    answer: Callable[..., Response]

    def match(self, path: str) -> dict[str, Any] | None:
        """The values of the names in the path; None where it is another path."""
        found = re.fullmatch(re.sub(r"{(\w+)}", rf"(?P<\1>{RUN_NAME})", self.path), path)
        return None if found is None else found.groupdict()


ROUTES = (
    Route("GET", "/api/session", ask.session),
    Route("GET", "/api/prompts", ask.prompts),
    Route("POST", "/api/ask", ask.ask),
    Route("GET", "/api/endpoint", endpoint.show),
    Route("POST", "/api/endpoint/wake", endpoint.wake),
    Route("POST", "/api/endpoint/finish", endpoint.finish),
    Route("POST", "/api/endpoint/sleep", endpoint.sleep),
    Route("POST", "/api/endpoint/keep", endpoint.keep),
    Route("GET", "/api/money", money.show),
    Route("GET", "/api/decisions", money.decisions),
    Route("GET", "/api/runs", runs.newest),
    Route("POST", "/api/runs", runs.start),
    Route("GET", "/api/runs/{run}", runs.show),
    Route("GET", "/api/runs/{run}/report", runs.report),
    Route("POST", "/api/runs/{run}/promote", runs.promote),
    Route("POST", "/api/runs/{run}/stop", runs.stop),
    Route("GET", "/api/compare", runs.compare),
    Route("GET", "/api/benchmark", runs.benchmark),
    Route("POST", "/api/runs/{run}/name", runs.rename),
    Route("POST", "/api/datasets", datasets.check),
    Route("POST", "/api/datasets/example", datasets.example),
    Route("GET", "/api/questions", questions.show),
    Route("POST", "/api/questions", questions.keep),
    Route("POST", "/api/questions/read", questions.read),
    Route("POST", "/api/questions/ask", questions.ask),
    Route("GET", "/api/documents", documents.show),
    Route("POST", "/api/documents", documents.add),
    Route("POST", "/api/documents/ask", documents.ask),
    Route("POST", "/api/documents/read", documents.read),
    Route("GET", "/api/documents/page", documents.page),
    Route("GET", "/api/threads", threads.newest),
    Route("POST", "/api/threads/clear", threads.clear),
    Route("GET", "/api/threads/{thread}", threads.show),
    Route("POST", "/api/threads/{thread}/turns", threads.add),
    Route("POST", "/api/threads/{thread}/name", threads.rename),
    Route("POST", "/api/threads/{thread}/turns/{turn}/rating", threads.rate),
    Route("POST", "/api/threads/{thread}/remove", threads.remove),
)


def handle(request: Request, context: Context) -> Response:
    """Answer a request that has been let in; never raises."""
    try:
        answer, names = _chosen(request)
        return answer(request, context, **names)
    except Exception as error:
        problem = problem_of(error)
        if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("%s %s: %s", request.method, request.path, _place(error))
        return refusal(problem)


def _place(error: Exception) -> str:
    """The kind of an error and its place, without its text, which may hold what was asked."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(
        [type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))]
    )


def most_bytes(method: str, path: str, context: Context) -> int:
    """The largest body that a request may have."""
    limits = context.limits
    if method == "POST" and path.startswith(("/api/threads/", "/api/questions")):
        return limits.turn_bytes
    uploads = {"/api/datasets": limits.upload_bytes, "/api/documents": limits.document_bytes}
    return uploads.get(path, limits.body_bytes) if method == "POST" else limits.body_bytes


def _chosen(request: Request) -> tuple[Callable[..., Response], dict[str, Any]]:
    matching = [(route, names) for route in ROUTES if (names := route.match(request.path)) is not None]
    for route, names in matching:
        if route.method == request.method:
            return route.answer, names
    if matching:
        allowed = ", ".join(route.method for route, _ in matching)
        raise Problem(
            HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", f"{request.path} takes {allowed} only."
        )
    raise Problem(HTTPStatus.NOT_FOUND, "not_found", f"There is nothing at {request.path[:200]}.")
