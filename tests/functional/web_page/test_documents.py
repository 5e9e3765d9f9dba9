"""The tab of documents: asking, the quote in its place, follow-ups, and adding files."""

from typing import Any

from playwright.sync_api import expect

from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page import scripted_shelf


def ask(page: Any, question: str) -> None:
    page.get_by_label("Ask your documents").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def test_a_citation_opens_its_page_with_the_quote_marked(visit: Any) -> None:
    page = visit("documents")
    ask(page, "What was revenue in 2024?")
    page.get_by_role("button", name="borealis-10k.html, page 2").click()
    expect(page.locator("mark")).to_have_text("Net sales | $1,250 | $1,000")
    page.get_by_role("button", name="Close the page").click()
    expect(page.locator("mark")).to_have_count(0)


def test_examples_are_made_from_the_documents(visit: Any, api: Any) -> None:
    page = visit("documents")
    example = "What was net income of Borealis Pumps, Inc. in fiscal 2024?"
    page.get_by_role("button", name=example).click()
    expect(page.get_by_role("article", name="Your documents")).to_contain_text("$1,250 million")
    assert api.asked[0]["question"] == example


def test_a_follow_up_carries_company_and_year_of_the_last_question(visit: Any, api: Any) -> None:
    page = visit("documents")
    ask(page, "What was revenue in 2024?")
    expect(page.get_by_role("button", name="New thread")).to_be_visible()
    ask(page, "And net income?")
    expect(page.get_by_role("group", name="And net income?")).to_contain_text("$1,250 million")
    assert api.asked[0].get("previous") is None
    assert api.asked[1] == {"question": "And net income?", "previous": scripted_shelf.FIGURE["filter"]}


def test_documents_and_models_share_one_history(visit: Any, api: Any) -> None:
    page = visit("documents")
    ask(page, "What was revenue in 2024?")
    expect(page.get_by_role("button", name="New thread")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    expect(page.locator(".history").get_by_role("link")).to_have_text(["What was revenue in 2024?"])
    page.reload()
    page.locator(".history").get_by_role("link").click()
    expect(page.get_by_role("article", name="Your documents")).to_contain_text("$1,250 million")
    page.get_by_role("button", name="borealis-10k.html, page 2").click()
    expect(page.locator("mark")).to_be_visible()


def test_models_and_documents_answer_side_by_side(visit: Any, api: Any) -> None:
    page = visit("ask")
    page.get_by_label("your documents").wait_for()
    page.get_by_label("Your question").fill("What was revenue in 2024?")
    page.get_by_role("button", name="Ask", exact=True).click()
    names = ["Your documents", "Base model", "Fine-tuned model", "Fine-tuned model with your documents"]
    expect(page.get_by_role("article").get_by_role("heading", level=3)).to_have_text(names)
    for name in names:
        expect(page.get_by_role("article", name=name, exact=True)).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("article", name="Your documents", exact=True)).to_contain_text("$1,250 million")
    worded = page.get_by_role("article", name="Fine-tuned model with your documents")
    expect(worded).to_contain_text("Llama 2 7B, trained on letters")
    expect(worded).to_contain_text("1 of its figures stands in no cited passage and is struck.")
    worded.get_by_role("button", name="borealis-10k.html, page 2").click()
    expect(worded.locator("mark")).to_be_visible()
    page.get_by_role("button", name="Shorter").click()  # which means nothing to documents
    shorter = page.locator(".turn").nth(1)
    expect(shorter.get_by_role("heading", level=3)).to_have_text(["Base model", "Fine-tuned model"])
    expect(shorter.get_by_role("button", name="Shorter")).to_be_visible()
    page.get_by_label("both models").uncheck()
    api.endpoint = documents.endpoint("asleep")
    page.get_by_label("Your next question").fill("And costs?")
    page.get_by_role("button", name="Ask", exact=True).click()
    costs = page.get_by_role("group", name="And costs?")
    expect(costs.get_by_role("article")).to_have_count(1)  # documents need no model to be awake


def test_several_files_are_added_and_each_outcome_is_shown(visit: Any, api: Any) -> None:
    api.documents = api.documents | {"documents": []}
    page = visit("documents")
    files: Any = [
        {"name": name, "mimeType": "text/plain", "buffer": b"Revenue rose."} for name in ("a.txt", "b.txt")
    ]
    page.get_by_label("Add documents").set_input_files(files)
    expect(page.get_by_text("b.txt: added")).to_be_visible()
    assert [name for _, path, name in api.changes if path == "/api/documents"] == ["a.txt", "b.txt"]
    expect(page.get_by_role("cell", name="Borealis Pumps, Inc.")).to_be_visible()
