"""Turn what a handler raised into what the page shows: a status, a code, and what a person without a terminal
can do next."""

import re
from http import HTTPStatus

from core.aws.errors import Cause, cause_of
from core.endpoint.hosting import HostingBusy
from finexpert import errors
from finexpert.errors import UserError, explain, is_aws
from finexpert.web.http import Problem, bad_input

_TOO_LONG = (400, 413, 422)  # what serving containers answer to a prompt that does not fit
_OURS = re.compile(r"prompt has (\d+) tokens; with max_new_tokens (\d+) that is more than the\s+(\d+)")
_VLLM = re.compile(r"maximum context length is (\d+) tokens.*?requested (\d+) tokens", re.DOTALL)
_BUSY_MODEL = (429, 503)

_KINDS: tuple[tuple[type[UserError], HTTPStatus, str, str], ...] = (
    (
        errors.Asleep,
        HTTPStatus.CONFLICT,
        "asleep",
        "Wake it by the button at the top of the page; that takes minutes.",
    ),
    (
        errors.NothingToServe,
        HTTPStatus.CONFLICT,
        "no_model",
        "Train a model on the Models tab; when the quality gate has accepted it, the endpoint can wake.",
    ),
    (
        errors.NotDeployed,
        HTTPStatus.CONFLICT,
        "not_deployed",
        "The person who set this up deploys it with: cdk deploy --all",
    ),
    (errors.NotFound, HTTPStatus.NOT_FOUND, "not_found", "The lists on this page name what there is."),
)


def problem_of(error: BaseException) -> Problem:
    """The problem that the page shows; without details where it is a defect of ours."""
    if isinstance(error, Problem):
        return error
    known = explain(error)
    if known is None:
        return Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal",
            f"Something went wrong that should not happen ({type(error).__name__}).",
            fix="Try again; if it happens again, report it to the person who runs this page.",
        )
    for kind, status, code, fix in _KINDS:
        if isinstance(known, kind):
            return Problem(status, code, known.what, where=known.where, fix=fix)
    if isinstance(error, HostingBusy):
        return Problem(
            HTTPStatus.CONFLICT, "busy", known.what, fix="Wait until that has ended, then try again."
        )
    if is_aws(error):
        return _of_aws(error, known)
    return Problem(HTTPStatus.CONFLICT, "failed", known.what, where=known.where, fix=known.fix)


_SIGNED_OUT = "The AWS sign-in of the person who started this page has ended. They sign in again."
_UNREACHED = "Is it running, and is the network up? Ask the person who started this page."
_BUSY, _AGAIN = "AWS receives too many requests at the moment.", "Wait half a minute, then try again."
_RIGHT = "Ask the account's administrator for this right."
_AWS: dict[Cause, tuple[HTTPStatus, str, str, str]] = {
    Cause.THROTTLED: (HTTPStatus.TOO_MANY_REQUESTS, "throttled", _BUSY, _AGAIN),
    Cause.DENIED: (HTTPStatus.FORBIDDEN, "denied", "{}", _RIGHT),
    **dict.fromkeys(
        (Cause.UNREACHED, Cause.PROXY, Cause.TLS),
        (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The cloud does not answer: {}", _UNREACHED),
    ),
    **dict.fromkeys(
        (Cause.SIGNED_OUT, Cause.CREDENTIALS, Cause.NONE_GIVEN, Cause.CLOCK),
        (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "{}", _SIGNED_OUT),
    ),
}
"""By the cause of AWS's error: status, code, the message around AWS's own, and what to do."""


def _of_aws(error: BaseException, known: UserError) -> Problem:
    if (cause := cause_of(error)) in _AWS:
        status, code, message, fix = _AWS[cause]
        return Problem(status, code, message.format(known.what), where=known.where, fix=fix)
    return _of_model(error, known)


def _too_long(container: str) -> str:
    """Says by how much a question is too long, from what the container says: the local server or vLLM."""
    if found := _OURS.search(container):
        asked, most = int(found[1]) + int(found[2]), int(found[3])
    elif found := _VLLM.search(container):
        most, asked = int(found[1]), int(found[2])
    else:
        return "Question and answer together are longer than the model can read at once."
    return f"Question and answer together may have {most:,} tokens; this asks for {asked:,}."


def _of_model(error: BaseException, known: UserError) -> Problem:
    status = getattr(error, "response", {}).get("OriginalStatusCode")
    if status in _TOO_LONG:
        return bad_input(
            _too_long(str(getattr(error, "response", {}).get("OriginalMessage", ""))),
            fix="Shorten the question, ask for a shorter answer, or begin a new thread.",
        )
    if status in _BUSY_MODEL:
        return Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "throttled",
            "The model has more questions than it can answer at once.",
            fix="Wait half a minute, then try again.",
        )
    return Problem(HTTPStatus.BAD_GATEWAY, "failed", known.what, where=known.where, fix=known.fix)
