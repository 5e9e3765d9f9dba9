"""Documents: what the index holds, a question answered with its page or by a model, and the page's text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from core.documents import answering, store
from core.documents.questions import Asked
from core.documents.search import Corpus, Found
from finexpert.errors import NotFound
from finexpert.service.asking import passages
from finexpert.service.asking.inference import Answer
from finexpert.service.documents import library, shelf, vectors
from finexpert.service.endpoint import switch
from finexpert.web.context import Context
from finexpert.web.http import Problem, Request, Response, answer, bad_input
from finexpert.web.routes.ask import context_tokens, generation

MOST_CHARACTERS = 2000
MOST_DOCUMENTS = 500


def show(request: Request, context: Context) -> Response:
    """The documents of the index; none where there is no index yet."""
    try:
        with _opened(context) as corpus:
            rows = corpus.connection.execute(
                "SELECT * FROM document ORDER BY name LIMIT ?", (MOST_DOCUMENTS,)
            )
            found = [_row(row) for row in rows]
    except store.IndexProblem:
        found = []
    return answer(
        {"documents": found, "adds": context.adds_documents, "most_bytes": context.limits.document_bytes}
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("name", "company", "form", "fiscal_year", "fiscal_period", "period_end", "pages")
    return {key: row[key] for key in shown} | {"problems": json.loads(row["problems"])}


def add(request: Request, context: Context) -> Response:
    """Read the file in the body into the index. Only where the page runs on the person's own machine."""
    if not context.adds_documents:
        raise Problem(
            HTTPStatus.CONFLICT,
            "not_here",
            "Documents are added on your own machine.",
            fix="`finexpert docs add PATH`, then `finexpert docs push`.",
        )
    name = PurePosixPath(request.require("name").replace("\\", "/")).name
    if PurePosixPath(name).suffix.lower() not in library.SUFFIXES:
        raise bad_input(
            "Files of this kind are not read.",
            where=name[:100],
            fix=f"Choose one of {', '.join(library.SUFFIXES)}.",
        )
    with TemporaryDirectory(prefix="finexpert-document-") as folder:
        path = Path(folder, name[-150:])
        path.write_bytes(request.body)
        (added,) = library.add(context.documents, [path])
    if added.outcome == "failed":
        raise bad_input(
            f"The file cannot be read: {added.why}.", where=name[:100], fix="Choose another file."
        )
    return answer({"document": added.name, "outcome": added.outcome, "why": added.why})


def ask(request: Request, context: Context) -> Response:
    """Answer a question, or refuse, from the documents. A follow-up keeps the last company and time."""
    document, question = _question(request)
    with _opened(context) as corpus:
        given = answering.answer(corpus, _followed(corpus, question, document.get("previous")))
        return answer({"question": question, **_shown(corpus, given)})


def read(request: Request, context: Context) -> Response:
    """The answer of the tuned model, or the base model where there is none, from the passages found."""
    document, question = _question(request)
    deployment, parameters = context.deployment, generation(document.get("parameters", {}), context)
    model = list(switch.models(deployment))[-1]
    said: list[Answer] = []

    def generate(question: str, found: Sequence[Found]) -> str:
        longest = context_tokens(context)
        said.append(passages.read(deployment, model, question, found, parameters, longest))
        return said[0].text

    with _opened(context) as corpus:
        given = answering.in_words(corpus, _followed(corpus, question, document.get("previous")), generate)
        cut = any(each.cut for each in said)
        return answer({"question": question, "model": model, "cut": cut, **_shown(corpus, given)})


def _question(request: Request) -> tuple[Mapping[str, Any], str]:
    document = request.document()
    question = document.get("question")
    if not isinstance(question, str) or not question.strip() or len(question) > MOST_CHARACTERS:
        raise bad_input(f"Write a question of at most {MOST_CHARACTERS:,} characters.", where="question")
    return document, question


def _shown(corpus: Corpus, given: answering.Answer) -> dict[str, Any]:
    shown = given.as_json() | corpus.note
    companies = {name: cover.company for name, cover in corpus.covers.values()}
    for citation in shown["citations"]:
        citation["company"] = companies.get(citation["document"], "")
    return shown


def _followed(corpus: Corpus, question: str, previous: Any) -> Asked:
    """The question with what it leaves out taken from the one before: the company, and the year."""
    asked = corpus.understand(question)
    if not isinstance(previous, dict):
        return asked
    known = {cover.company for _, cover in corpus.covers.values()}
    given: dict[str, Any] = {}
    company = _first(previous, "company")
    if not asked.filter.companies and not asked.filter.unknown and company in known:
        given["company"] = company
    year = _first(previous, "fiscal_year")
    if not asked.filter.periods and not asked.filter.moments and isinstance(year, int):
        given["fiscal_year"] = year
        given["fiscal_period"] = _first(previous, "fiscal_period")
    return corpus.understand(question, given) if given else asked


def _first(previous: Mapping[str, Any], key: str) -> Any:
    """The first value of a filter that came from the page; None for anything that is no such value."""
    values = previous.get(key)
    found = values[0] if isinstance(values, list) and values else None
    return found if isinstance(found, (str, int)) else None


def page(request: Request, context: Context) -> Response:
    """The text of a page, so that a quote can be shown in its place."""
    name, number = request.require("name"), request.query.get("page", "")
    if number and not number.isdecimal():
        raise bad_input("This is no page's number.", where="page")
    with _opened(context) as corpus:
        found = corpus.number(name)
        text = (
            ""
            if found is None
            else store.page_text(corpus.connection, found, int(number) if number else None)
        )
    if not text:
        raise NotFound("There is no such page in the index.", where=f"{name[:100]} {number}".strip())
    return answer({"document": name, "page": int(number) if number else None, "text": text})


@contextmanager
def _opened(context: Context) -> Iterator[Corpus]:
    """The index of this machine, or the pushed one, fetched again when another becomes the current one."""
    by_meaning = None
    if not context.adds_documents:
        deployment = context.deployment
        s3, bucket = deployment.target.client("s3"), deployment.data_bucket
        try:
            context.sums.get("documents", lambda: shelf.pull(s3, bucket, context.documents))
        except NotFound:
            raise store.IndexProblem("no index was pushed") from None
        by_meaning = vectors.by_meaning(deployment)
    with store.opened(context.documents) as connection:
        yield replace(Corpus.of(connection), by_meaning=by_meaning)
