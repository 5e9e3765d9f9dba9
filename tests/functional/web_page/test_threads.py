"""Threads: follow-ups, names, ratings and notes, and a history that is searched, exported and deleted."""

import csv
import io
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from finexpert.service.asking import history
from finexpert.web.http import Problem
from tests.functional.web_page import scripted_documents as documents

pytestmark = pytest.mark.usefixtures("no_documents")


def ask(page: Page, prompt: str, label: str = "Your question") -> None:
    page.get_by_label(label).fill(prompt)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect_kept(page.get_by_role("group", name=prompt))


def expect_kept(turn: Locator) -> None:
    """Wait until the server has the turn: an answer can be rated only then."""
    expect(turn.get_by_role("button", name="Good answer: Base model")).to_be_visible()


def kept(api: Any) -> list[dict[str, Any]]:
    """The threads as the server has them, newest first."""
    return [history.thread(api.history, each["id"]) for each in history.threads(api.history)]


def test_follow_ups_go_into_the_same_thread(visit: Any, api: Any) -> None:
    page = visit()
    ask(page, "What was revenue?")
    ask(page, "And the dividend?", "Your next question")
    for name, prompt in (("Shorter", "shorter"), ("As a table", "table")):
        page.get_by_role("button", name=name).click()
        expect(page.locator(".turn").last.locator("blockquote")).to_contain_text(prompt)
        expect_kept(page.locator(".turn").last)
    (thread,) = kept(api)
    assert [question.get("turns") for question in api.asked] == [None, 1, 2, 3]
    assert {question.get("thread") for question in api.asked[1:]} == {thread["id"]}
    assert len(thread["turns"]) == 4


def test_trying_again_asks_the_same_with_other_luck(visit: Any, api: Any) -> None:
    page = visit()
    ask(page, "What was revenue?")
    page.get_by_role("button", name="Try again (temperature 0.7)").click()
    page.get_by_role("button", name="Try again (seed 12)").click()
    expect(page.locator(".turn")).to_have_count(3)
    expect(page.locator(".turn").last.get_by_role("button", name="Try again")).to_be_visible()
    settings = [(q["parameters"]["temperature"], q["parameters"]["seed"], q.get("turns")) for q in api.asked]
    assert settings == [(0, 10, None), (0.7, 11, 0), (0.7, 12, 0)]  # it never knows its own first try


def test_a_thread_has_a_name_and_a_link(visit: Any, api: Any, server: Any, context: Any) -> None:
    page = visit()
    ask(page, "What was revenue?")
    expect(page.get_by_role("heading", name="What was revenue?")).to_be_visible()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Name of the thread").fill("Calls of 2025")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Calls of 2025")).to_be_visible()
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{server.address}#/ask/{kept(api)[0]['id']}"
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("heading", name="Calls of 2025")).to_be_visible()
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(api.texts["base"])


def test_thumbs_and_a_note_stay_with_the_answer(visit: Any, api: Any) -> None:
    page = visit()
    ask(page, "What was revenue?")
    up = page.get_by_role("button", name="Good answer: Base model")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    tuned = page.get_by_role("article", name="Fine-tuned model")
    tuned.get_by_role("button", name="Note").click()
    tuned.get_by_label("Note on the answer").fill("Wrong year")
    tuned.get_by_role("button", name="Keep the note").click()
    expect(tuned.locator(".said")).to_have_text("Wrong year")
    page.reload()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(tuned.locator(".said")).to_have_text("Wrong year")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    assert [answer["thumb"] for answer in kept(api)[0]["turns"][0]["answers"]] == ["", ""]


def test_a_new_thread_begins_without_what_was_said(visit: Any, api: Any) -> None:
    page = visit()
    ask(page, "What was revenue?")
    page.get_by_role("button", name="New thread").click()
    ask(page, "And cash?")
    assert "thread" not in api.asked[1]
    assert [thread["name"] for thread in kept(api)] == ["And cash?", "What was revenue?"]


def test_the_history_is_searched_and_opened(visit: Any, api: Any) -> None:
    page = visit()
    for prompt in ("What was revenue?", "And cash?"):
        ask(page, prompt)
        page.get_by_role("button", name="New thread").click()
    links = page.locator(".history").get_by_role("link")
    expect(links).to_have_text(["And cash?", "What was revenue?"])
    page.get_by_label("Search").fill("REVENUE volatility")
    expect(links).to_have_text(["What was revenue?"])
    page.get_by_label("Search").fill("")
    expect(links).to_have_count(2)
    links.last.click()
    expect(page.get_by_role("heading", name="What was revenue?")).to_be_visible()
    links.first.click()
    expect(page.get_by_role("heading", name="And cash?")).to_be_visible()


def test_the_history_outlives_the_browser(visit: Any, api: Any, browser: Any, server: Any) -> None:
    ask(visit(), "What was revenue?")
    other = browser.new_context(locale="en-GB")
    page = other.new_page()
    page.goto(server.link)
    page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    expect(page.locator(".history").get_by_role("link")).to_have_text(["What was revenue?"])
    other.close()


def test_exports_cannot_run_anything(visit: Any, api: Any) -> None:
    api.texts = {"base": '=HYPERLINK("http://evil.example")', "tuned": 'a, "b"\nand ```` c'}
    page = visit()
    ask(page, "+1 and more")
    header, base, tuned = csv.reader(io.StringIO(_exported(page, "CSV of the history")))
    assert header[:5] == ["thread", "asked", "prompt", "model", "who"]
    assert (base[0], base[2]) == ("'+1 and more", "'+1 and more")  # no formula for a spreadsheet
    assert base[5] == "'" + api.texts["base"]
    assert tuned[5] == api.texts["tuned"]
    markdown = _exported(page, "Markdown of this thread")
    assert "`````text\n" + api.texts["tuned"] + "\n`````" in markdown  # a fence longer than any inside
    page.get_by_role("button", name="Copy", exact=True).first.click()
    assert page.evaluate("navigator.clipboard.readText()") == api.texts["base"]


def test_threads_are_deleted_after_a_second_thought(visit: Any, api: Any) -> None:
    page = visit()
    for prompt in ("What was revenue?", "And cash?"):
        ask(page, prompt)
        page.get_by_role("button", name="New thread").click()
    first = page.locator(".history li").first
    first.get_by_role("button", name="Delete").click()
    first.get_by_role("button", name="Yes").click()
    expect(page.locator(".history li")).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("heading", name="History")).to_have_count(0)
    assert kept(api) == []


def test_an_answer_that_cannot_be_kept_says_so_and_stays(visit: Any, api: Any, context: Any) -> None:
    problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The bucket does not answer.")
    context.route("**/turns", lambda route: route.fulfill(status=503, json={"error": problem.document()}))
    page = visit()
    page.get_by_label("Your question").fill("What was revenue?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The bucket does not answer.")
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(api.texts["base"])


def test_a_link_to_a_thread_that_is_gone_says_so(visit: Any) -> None:
    page = visit("ask/nowhere")
    expect(page.get_by_role("alert")).to_contain_text("There is no such thread.")
    expect(page.get_by_label("Your question")).to_be_visible()


def _exported(page: Page, kind: str) -> str:
    with page.expect_download() as saved:
        page.get_by_role("button", name=kind).click()
    return saved.value.path().read_text(encoding="utf-8")


def test_who_answered_is_kept_even_when_another_model_is_served(visit: Any, api: Any) -> None:
    page = visit()
    ask(page, "What was revenue?")
    other = documents.answerer("tuned") | {"description": "Another model"}
    api.endpoint = documents.endpoint("awake", answerers=[documents.answerer("base"), other])
    page.reload()
    expect(page.get_by_role("article", name="Fine-tuned model").locator(".who")).to_contain_text("letters")
