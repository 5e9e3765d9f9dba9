"""What went wrong, in the page's words."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from core.endpoint.hosting import HostingBusy, HostingError
from finexpert.errors import Asleep, NotDeployed, NotFound, NothingToServe, UserError
from finexpert.web.http import bad_input, refusal
from finexpert.web.problems import problem_of


def of_aws(code: str, **more: int | str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as AWS says"}, **more}, "DoIt")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Asleep("asleep"), 409, "asleep"),
        (NothingToServe("none yet"), 409, "no_model"),
        (NotDeployed("not there"), 409, "not_deployed"),
        (NotFound("no such run"), 404, "not_found"),
        (UserError("something else"), 409, "failed"),
        (HostingBusy("changing"), 409, "busy"),
        (HostingError("broken"), 409, "failed"),
        (of_aws("ThrottlingException"), 429, "throttled"),
        (of_aws("TooManyRequestsException"), 429, "throttled"),
        (of_aws("AccessDeniedException"), 403, "denied"),
        (of_aws("ExpiredToken"), 503, "unavailable"),
        (NoCredentialsError(), 503, "unavailable"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), 503, "unavailable"),
        (of_aws("ModelError", OriginalStatusCode=422), 422, "bad_input"),
        (of_aws("ModelError", OriginalStatusCode=413), 422, "bad_input"),
        (of_aws("ModelError", OriginalStatusCode=503), 429, "throttled"),
        (of_aws("ModelError", OriginalStatusCode=500), 502, "failed"),
        (of_aws("ValidationException"), 502, "failed"),
        (bad_input("no"), 422, "bad_input"),
        (ZeroDivisionError("secret"), 500, "internal"),
    ],
)
def test_each_kind_has_its_status_and_code(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, code)
    assert str(problem) and "secret" not in str(problem.document())


def test_people_without_a_terminal_are_not_asked_to_use_one() -> None:
    for error in (Asleep("x", fix="finexpert wake"), NotFound("x", fix="finexpert runs lists them")):
        assert "finexpert" not in problem_of(error).fix


def test_several_problems_are_reported_at_once() -> None:
    problem = bad_input("This file cannot be used.", problems=("line 1: empty", "line 9: no text"))
    assert problem.document()["problems"] == ["line 1: empty", "line 9: no text"]
    assert refusal(problem).status == 422


@pytest.mark.parametrize(
    "container",
    [
        '{"error": "The prompt has 12 tokens; with max_new_tokens 800 that is more than the 512 which the'
        ' model takes. Shorten one of them."}',
        "This model's maximum context length is 512 tokens. However, you requested 812 tokens (12 in the"
        " messages, 800 in the completion).",
    ],
)
def test_a_question_that_is_too_long_says_how_much_is_allowed(container: str) -> None:
    problem = problem_of(of_aws("ModelError", OriginalStatusCode=422, OriginalMessage=container))
    assert str(problem) == "Question and answer together may have 512 tokens; this asks for 812."
