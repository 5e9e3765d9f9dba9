"""Documents pushed to the deployed app: found by words and vectors, from a terminal and on the page."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from finexpert.service.deployment import Deployment
from tests.fakes import filings
from tests.functional.app.page_client import Browser

pytestmark = pytest.mark.app

FIGURE = "What were Borealis's net sales in fiscal 2024?"
WORDS = "How does Borealis describe its workforce and countries?"
POLICY = "no-metadata"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filings.shelf(tmp_path_factory.mktemp("documents"))


@pytest.fixture(scope="module")
def pushed(answer: Callable[..., Any], index: Path) -> dict[str, Any]:
    """What the first push says."""
    return dict(answer("docs", "push", "--index", str(index), "--yes"))


@pytest.fixture
def without_get_vectors(deployed: Deployment) -> Iterator[None]:
    """The page's function may search vectors and not read them: a query with a filter then gets a 403."""
    iam, function = (deployed.target.client(name) for name in ("iam", "lambda"))
    role = function.get_function_configuration(FunctionName=deployed.names.web)["Role"].rpartition("/")[2]
    deny = {"Effect": "Deny", "Action": "s3vectors:GetVectors", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=role, PolicyName=POLICY, PolicyDocument=document)
    yield
    iam.delete_role_policy(RoleName=role, PolicyName=POLICY)


def test_a_push_pays_for_what_is_new_and_removes_what_is_gone(
    pushed: dict[str, Any], answer: Callable[..., Any], deployed: Deployment, index: Path, tmp_path: Path
) -> None:
    first = pushed["vectors"]
    assert first["added"] > 4 and first["removed"] == 0 and first["usd"] > 0
    again = answer("docs", "push", "--index", str(index))["vectors"]
    assert (again["added"], again["removed"], again["usd"]) == (0, 0, 0.0)
    more = tmp_path / "more.txt"
    more.write_text("Dunlin Foods, annual report 2024. Net sales were $5 million.", encoding="utf-8")
    answer("docs", "add", str(more), "--index", str(index))
    grown = answer("docs", "push", "--index", str(index), "--yes")["vectors"]
    answer("docs", "remove", "more.txt", "--index", str(index))
    shrunk = answer("docs", "push", "--index", str(index))["vectors"]
    assert grown["added"] == shrunk["removed"] > 0 and shrunk["added"] == 0
    arn = deployed.output("Storage", "VectorIndexArn")
    pages = deployed.target.client("s3vectors").get_paginator("list_vectors").paginate(indexArn=arn)
    assert sum(len(page["vectors"]) for page in pages) == first["added"]
    lines = {line["kind"] for line in answer("costs")["lines"]}
    assert "requests" in lines, "what Titan counted is in the month"


def test_the_pushed_index_is_searched_by_words_and_vectors(
    pushed: dict[str, Any], answer: Callable[..., Any], index: Path
) -> None:
    asked = "Borealis emploiees worldwide"  # misspelt: no word of the text, but its parts
    by_words = answer("docs", "search", asked, "--index", str(index))["results"]
    by_both = answer("docs", "search", asked, "--index", str(index), "--pushed")
    assert "note" not in by_both
    assert {each["document"] for each in by_both["results"]} == {"borealis-10k.html"}
    assert len(by_both["results"]) > len(by_words)
    shown = answer("docs", "evaluate", "--index", str(index), "--pushed", "--questions", "5")
    assert shown["questions"] == shown["vectors"]["questions"] == 5
    assert set(shown["vectors"]["pages"]) == {"gained", "lost", "p"}


def test_the_deployed_page_answers_by_the_pushed_one(pushed: dict[str, Any], deployed_page: Browser) -> None:
    listed = deployed_page.get("/api/documents")
    assert not listed["adds"] and "borealis-10k.html" in [each["name"] for each in listed["documents"]]
    told = deployed_page.post("/api/documents/ask", {"question": FIGURE}).json()
    assert (told["method"], told["value"]) == ("fact", 1_250_000_000)
    cited = told["citations"][0]
    assert (cited["document"], cited["page"]) == ("borealis-10k.html", 2)
    page = deployed_page.get(f"/api/documents/page?name={cited['document']}&page={cited['page']}")
    assert page["text"][slice(*cited["span"])] == cited["text"]
    assert "note" not in deployed_page.post("/api/documents/ask", {"question": WORDS}).json()


def test_without_vectors_the_page_s_words_answer_and_it_says_so(
    pushed: dict[str, Any], deployed_page: Browser, without_get_vectors: None
) -> None:
    told = deployed_page.post("/api/documents/ask", {"question": WORDS}).json()
    assert "AccessDenied" in told["note"] and "GetVectors" in told["note"]
    assert told["answer"] or told["reason"]
    assert deployed_page.post("/api/documents/ask", {"question": FIGURE}).json()["value"] == 1_250_000_000
