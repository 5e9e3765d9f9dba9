"""Own questions: typed or from a file, kept, asked of the live models, and counted."""

from typing import Any

from playwright.sync_api import expect

from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.page_states import QUESTIONS


def test_ten_rows_are_typed_and_kept(visit: Any, api: Any) -> None:
    page = visit("questions")
    expect(page.locator(".own li")).to_have_count(10)
    page.get_by_label("Question 1", exact=True).fill("What was revenue?")
    page.get_by_label("Right answer 1", exact=True).fill("$4.2 million")
    page.get_by_role("button", name="Keep the questions").click()
    expect(page.get_by_role("button", name="Kept")).to_be_visible()
    assert api.questions == [{"question": "What was revenue?", "answer": "$4.2 million"}]


def test_a_file_is_read_shown_and_asked(visit: Any, api: Any) -> None:
    page = visit("questions")
    page.get_by_label("Or add them from a file").set_input_files(files=[QUESTIONS])
    expect(page.get_by_label("Question 2", exact=True)).to_have_value("What was the margin?")
    assert api.questions == []  # nothing is kept before somebody says so
    page.get_by_role("button", name="Ask them now").click()
    expect(page.locator(".headline")).to_have_text("Your own questions: before 0, after 2 of 2")
    table = page.get_by_role("table", name="Your own questions with both answers")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table.get_by_role("row").last).to_contain_text("wrong I cannot say.")


def test_without_a_live_model_it_says_how_to_wake_it(visit: Any, api: Any) -> None:
    api.questions = documents.OWN_QUESTIONS["questions"]
    api.endpoint = documents.endpoint("asleep")
    page = visit("questions")
    expect(page.get_by_role("button", name="Ask them now")).to_be_disabled()
    page.get_by_role("link", name="Wake them").click()
    expect(page.get_by_role("button", name="Wake it")).to_be_visible()
