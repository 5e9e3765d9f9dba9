"""A request and its answer, apart from any server: `local` and `aws` translate theirs into these and back."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from finexpert.service.runs.executions import RUN_NAME
from finexpert.text import plain

JSON = "application/json"
NDJSON = "application/x-ndjson"
HTML = "text/html; charset=utf-8"

NOT_STORED = {"Cache-Control": "no-store"}


@dataclass(eq=False)
class Problem(Exception):
    """A problem, which the page receives instead of an answer.

    Args:
        code: for programs; README.md of this folder lists all.
        message: what is wrong, in a sentence for people.
        where: which thing the sentence is about.
        fix: what to do next.
        problems: several things that are wrong at once, such as lines of a data set.
    """

    status: HTTPStatus
    code: str
    message: str
    where: str = field(default="", kw_only=True)
    fix: str = field(default="", kw_only=True)
    problems: tuple[str, ...] = field(default=(), kw_only=True)

    def __str__(self) -> str:
        return self.message

    def document(self) -> dict[str, Any]:
        """`{"code", "message", "where", "fix"}`, and `problems` where there are several."""
        document = {"code": self.code, "message": self.message, "where": self.where, "fix": self.fix}
        return document | ({"problems": list(self.problems)} if self.problems else {})


def bad_input(message: str, *, where: str = "", fix: str = "", problems: tuple[str, ...] = ()) -> Problem:
    """A problem: what was sent cannot be used."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "bad_input", message, where=where, fix=fix, problems=problems
    )


def too_large(message: str, *, fix: str = "") -> Problem:
    """A problem: more was sent than is accepted."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", message, fix=fix)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request. `headers` have names in lower case; `path` and `query` are decoded.

    `user`: who is signed in; "" on a person's own machine.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: str = ""

    def document(self) -> dict[str, Any]:
        """The body's JSON object.

        Raises:
            Problem: it is none, or is not declared as JSON (a form of another site could send anything else).
        """
        declared = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            found = json.loads(self.body) if declared == JSON else None
        except (ValueError, RecursionError):  # the latter of a body that is nested too deep
            found = None
        if not isinstance(found, dict):
            raise bad_input("The request's body is not a JSON object.", where="Content-Type: " + JSON)
        return found

    def run(self, name: str) -> str:
        """A query parameter that names a run.

        Raises:
            Problem: it is missing, or is no name.
        """
        found = self.require(name)
        if not re.fullmatch(RUN_NAME, found):
            raise bad_input("This is no run's name.", where=name)
        return found

    def require(self, name: str) -> str:
        """A query parameter that must be there.

        Raises:
            Problem: it is not.
        """
        if not self.query.get(name):
            raise bad_input(f"The parameter {name} is missing.", where=self.path)
        return self.query[name]


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer. A `body` in pieces is sent piece by piece where the server can do that."""

    status: HTTPStatus = HTTPStatus.OK
    body: bytes | Iterator[bytes] = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=lambda: NOT_STORED)


def encoded(document: object) -> bytes:
    """JSON on one line. `<` is escaped: should anything ever take the text for markup, it finds no tag.

    Halves of characters are escaped as well: models write them, and UTF-8 does not have them.
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=plain)
    return text.replace("<", "\\u003c").encode(errors="backslashreplace")


def finite(value: Any) -> float | None:
    """The value as a float; None for anything but a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def answer(document: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """A JSON document."""
    return Response(status=status, body=encoded(document))


def refusal(problem: Problem) -> Response:
    """A problem as an answer."""
    return answer({"error": problem.document()}, problem.status)
