"""The page's documents: the index on this machine, or the one that was pushed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.documents.checking import STRUCK
from finexpert.service.asking.inference import Answer
from finexpert.service.documents import shelf
from finexpert.web import routes
from finexpert.web.context import Context
from finexpert.web.http import Request
from finexpert.web.routes import handle
from tests.fakes import filings
from tests.fakes.s3 import FakeS3
from tests.unit.finexpert.web.web_app import Ask, Deployment


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filings.shelf(tmp_path_factory.mktemp("documents"))


@pytest.fixture
def context(context: Context, index: Path) -> Context:
    return replace(context, documents=index)


def test_the_index_is_listed_and_asked(ask: Ask) -> None:
    status, answer = ask("GET", "/api/documents")
    names = [row["name"] for row in answer["documents"]]
    assert status == 200 and names == ["borealis-10k.html", "cascadia.pdf"]
    status, answer = ask("POST", "/api/documents/ask", {"question": "Borealis revenue in 2024"})
    assert (status, answer["value"], answer["citations"][0]["page"]) == (200, 1_250_000_000, 2)
    quoted = answer["citations"][0]
    status, page = ask("GET", "/api/documents/page", name=quoted["document"], page="2")
    assert status == 200 and page["text"][slice(*quoted["span"])] == quoted["text"]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An endpoint whose tuned model answers with figures right and wrong; the prompts that it was given."""
    prompts: list[str] = []
    monkeypatch.setattr(routes.documents.switch, "models", lambda deployment: {"base": "a", "tuned": "b"})

    def says(deployment: object, prompt: dict[str, str], parameters: object) -> list[Answer]:
        ((name, text),) = prompt.items()
        prompts.append(text)
        return [Answer(name, text, "Net sales were $1,250 million, up from $9,999 million.", 0.1, cut=True)]

    monkeypatch.setattr(routes.documents.passages.inference, "ask", says)
    return prompts


def test_the_tuned_model_answers_from_the_passages(ask: Ask, model: list[str]) -> None:
    question = {"question": "Borealis revenue in 2024", "parameters": {"max_new_tokens": 30}}
    status, answer = ask("POST", "/api/documents/read", question)
    assert (status, answer["model"], answer["method"], answer["cut"]) == (200, "tuned", "generate", True)
    assert answer["answer"] == f"Net sales were $1,250 million, up from {STRUCK}."
    assert answer["reason"] == "1 of its figures stands in no cited passage and is struck"
    assert {each["document"] for each in answer["citations"]} == {"borealis-10k.html"}
    assert "[1] borealis-10k.html, page 2" in model[0] and model[0].endswith("Answer:")


@pytest.mark.parametrize("question", ["Nordwind revenue in 2024", "Borealis revenue in 2010"])
def test_no_model_is_asked_for_a_figure_that_is_not_there(ask: Ask, model: list[str], question: str) -> None:
    status, answer = ask("POST", "/api/documents/read", {"question": question})
    assert (status, answer["refused"], model) == (200, True, []) and answer["reason"]


def test_a_follow_up_keeps_what_it_does_not_name(ask: Ask) -> None:
    _, first = ask("POST", "/api/documents/ask", {"question": "Borealis revenue in fiscal 2024"})
    again = {"question": "And the gross profit?", "previous": first["filter"]}
    _, answer = ask("POST", "/api/documents/ask", again)
    assert answer["value"] == 450_000_000
    _, answer = ask("POST", "/api/documents/ask", {"question": "And in 2023?", "previous": first["filter"]})
    assert answer["filter"]["company"] == ["Borealis Pumps, Inc."] and answer["filter"]["fiscal_year"] == [
        2023
    ]


@pytest.mark.parametrize(
    "previous",
    [None, [], "x", {"company": ["Nobody"]}, {"company": [{}]}, {"fiscal_year": ["2024"]}, {"company": 3}],
)
def test_a_damaged_follow_up_is_a_question_of_its_own(ask: Ask, previous: Any) -> None:
    asked = {"question": "Borealis revenue in 2024", "previous": previous}
    status, answer = ask("POST", "/api/documents/ask", asked)
    assert (status, answer["value"]) == (200, 1_250_000_000)


@pytest.mark.parametrize("question", [None, "", "  ", 3, "x" * 2001])
def test_what_is_no_question_is_refused(ask: Ask, question: Any) -> None:
    assert ask("POST", "/api/documents/ask", {"question": question})[0] == 422


@pytest.mark.parametrize(("document", "page"), [("none.pdf", "1"), ("cascadia.pdf", "99"), ("../x", "1")])
def test_a_page_that_is_not_there_is_not_found(ask: Ask, document: str, page: str) -> None:
    assert ask("GET", "/api/documents/page", name=document, page=page)[0] == 404
    assert ask("GET", "/api/documents/page", name="cascadia.pdf", page="one")[0] == 422


def test_a_file_is_added_here_and_only_here(ask: Ask, context: Context, tmp_path: Path) -> None:
    status, answer = ask("POST", "/api/documents", body=b"Oulu makes pumps.", name="a/../notes.txt")
    assert (status, answer["document"], answer["outcome"]) == (200, "notes.txt", "added")
    status, answer = ask("POST", "/api/documents", body=b"%PDF-1.7", name="b.pdf")
    assert status == 422 and "damaged" in answer["error"]["message"]
    assert ask("POST", "/api/documents", body=b"MZ", name="c.exe")[0] == 422


@pytest.fixture
def deployed(context: Context, tmp_path: Path) -> Deployment:
    """The app whose pushed index the page reads: its S3 alone is there."""
    made = Deployment({"s3": FakeS3()})
    fetched = {"documents": tmp_path / "fetched", "adds_documents": False}
    made.page = replace(context, deployment=made, **fetched)  # type: ignore[arg-type]
    return made


def sent(method: str, path: str, context: Context, **more: Any) -> Any:
    headers = {"content-type": "application/json"}
    return handle(Request(method=method, path=path, headers=headers, **more), context)


def test_the_pushed_index_is_fetched_never_added_to(index: Path, deployed: Deployment) -> None:
    assert b'"documents":[]' in sent("GET", "/api/documents", deployed.page).body
    shelf.push(deployed.target.client("s3"), "b", index)
    assert b"cascadia.pdf" in sent("GET", "/api/documents", deployed.page).body
    added = sent("POST", "/api/documents", deployed.page, query={"name": "a.txt"}, body=b"x")
    assert int(added.status) == 409


def test_an_answer_without_its_vectors_says_so(index: Path, deployed: Deployment) -> None:
    shelf.push(deployed.target.client("s3"), "b", index)  # neither Titan nor S3 Vectors is there
    deployed.settings = replace(deployed.settings, retrieval="vectors")
    body = b'{"question": "How does Borealis describe its workforce?"}'
    answer = sent("POST", "/api/documents/ask", deployed.page, body=body)
    assert b'"note":"Vectors were not searched' in answer.body
