"""The history: threads of questions and answers, their names, ratings and notes."""

from finexpert.service.asking import history
from finexpert.web.context import Context
from finexpert.web.http import Request, Response, answer, bad_input

SEARCH_CHARACTERS = 200


def newest(request: Request, context: Context) -> Response:
    """The newest threads, or those that hold all words of `search`."""
    search = request.query.get("search", "")[:SEARCH_CHARACTERS]
    return answer({"threads": history.threads(context.history(request.user), search)})


def show(request: Request, context: Context, thread: str) -> Response:
    """One thread."""
    return answer(history.thread(context.history(request.user), thread))


def add(request: Request, context: Context, thread: str) -> Response:
    """Keep a question with its answers; the first begins the thread."""
    store = context.history(request.user)
    return answer(history.add_turn(store, thread, request.document(), context.now()))


def rename(request: Request, context: Context, thread: str) -> Response:
    """Give the thread another name."""
    name = request.document().get("name")
    if not isinstance(name, str):
        raise bad_input("A name is text.", where="name")
    return answer(history.rename(context.history(request.user), thread, name))


def rate(request: Request, context: Context, thread: str, turn: str) -> Response:
    """Keep a thumb and a note with one answer."""
    document = request.document()
    model, thumb, note = (document.get(key, "") for key in ("model", "thumb", "note"))
    if not all(isinstance(each, str) for each in (model, thumb, note)):
        raise bad_input("Model, thumb and note are text.", where="rating")
    store = context.history(request.user)
    return answer(history.rate(store, thread, turn, model, thumb=thumb, note=note))


def remove(request: Request, context: Context, thread: str) -> Response:
    """Delete one thread."""
    history.remove(context.history(request.user), thread)
    return answer({})


def clear(request: Request, context: Context) -> Response:
    """Delete the whole history."""
    history.remove(context.history(request.user))
    return answer({})
