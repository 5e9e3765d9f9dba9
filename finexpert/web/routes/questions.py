"""Own questions with right answers: kept, read from a file, and put to the live models."""

from finexpert.service.asking import history
from finexpert.service.evaluation import own_questions
from finexpert.web.context import Context
from finexpert.web.http import Request, Response, answer, bad_input


def show(request: Request, context: Context) -> Response:
    """The questions that are kept."""
    return answer({"questions": history.questions(context.history(request.user))})


def keep(request: Request, context: Context) -> Response:
    """Replace the kept questions by those in the body."""
    records = request.document().get("questions")
    if not isinstance(records, list):
        raise bad_input("Questions are a list.", where="questions")
    kept = own_questions.checked(records)
    history.keep_questions(context.history(request.user), kept)
    return answer({"questions": kept})


def read(request: Request, context: Context) -> Response:
    """The questions of the file in the body; they are not kept yet."""
    return answer({"questions": own_questions.read(request.require("name"), request.body)})


def ask(request: Request, context: Context) -> Response:
    """Each live model's answer to one question, graded."""
    return answer({"answers": own_questions.ask(context.deployment, request.document().get("question"))})
