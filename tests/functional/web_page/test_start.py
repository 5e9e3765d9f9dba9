"""The start: what this is, three steps with their state, and an analyst's ten tasks in three clicks each."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.page_states import LETTERS

MOST_CLICKS = 3


def test_it_says_what_this_is_and_who_answers(visit: Any) -> None:
    main = visit("start").get_by_role("main")
    expect(main).to_contain_text("Train a language model on your text")
    expect(main).to_contain_text(f"Who answers: Llama 2 7B, trained on letters (run {documents.RUN})")


def test_the_steps_have_their_state(visit: Any, api: Any) -> None:
    steps = visit("start").locator(".step")
    expect(steps.nth(0)).to_contain_text("1 document can be asked.")
    expect(steps.nth(1)).to_contain_text("Better than the base model, and accepted: Letters, first try.")
    expect(steps.nth(2)).to_contain_text("The models are awake.")
    expect(steps.get_by_text("(done)")).to_have_count(3)


def test_a_beginner_sees_three_open_steps(visit: Any, api: Any) -> None:
    api.listed.clear()
    api.documents["documents"] = []
    api.endpoint = documents.endpoint("asleep")
    page = visit("start")
    expect(page.locator(".step").nth(1)).to_contain_text("Nothing has been trained yet.")
    expect(page.locator(".step").get_by_text("(open)")).to_have_count(3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "RUNNING", "outcome": ""}, "Under way"),
        ({"outcome": "rejected"}, "Not shown to be better than the base model"),
        ({"status": "FAILED", "outcome": ""}, "The newest run did not finish"),
    ],
)
def test_the_newest_run_is_reported_as_it_stands(visit: Any, api: Any, change: Any, words: str) -> None:
    api.listed[0] |= change
    expect(visit("start").locator(".step").nth(1)).to_contain_text(words)


Find = Callable[[Page], Locator]


def link(name: str, number: int = 0) -> Find:
    return lambda page: page.get_by_role("link", name=name, exact=True).nth(number)


def button(name: str) -> Find:
    return lambda page: page.get_by_role("button", name=name, exact=True).first


def fill(label: str, text: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_label(label).first.fill(text)


def choose(label: str, *files: Any) -> Callable[[Page], None]:
    return lambda page: page.get_by_label(label).first.set_input_files(files=list(files))


ASK_TAB, COSTS_TAB, MODELS_TAB = link("Ask"), link("Costs"), link("Models")
TASKS: dict[str, tuple[Sequence[Any], str]] = {
    "train on my own files": (
        [link("Bring text"), choose("Drop files", LETTERS), button("Start the run")],
        "Step 3 of 136",
    ),
    "try the example company": ([link("Use the example company"), button("Start the run")], "Step 3 of 136"),
    "see whether my model got better": ([MODELS_TAB, link("Letters, first try")], "before 1, after 6 of 10"),
    "ask base and tuned model a question": (
        [ASK_TAB, fill("Your question", "Revenue?"), button("Ask")],
        "hedged book",
    ),
    "get a figure with its page from my documents": (
        [
            link("Documents"),
            fill("Ask your documents", "What was revenue in 2024?"),
            button("Ask"),
            button("borealis-10k.html, page 2"),
        ],
        "CONSOLIDATED STATEMENTS",
    ),
    "add a document": (
        [link("Add documents"), choose("Add documents", {**LETTERS, "name": "letters.txt"})],
        "letters.txt: added",
    ),
    "write down my own questions": (
        [
            link("Your own questions"),
            fill("Question 1", "Revenue in 2025?"),
            fill("Right answer 1", "$4.2 million"),
            button("Keep the questions"),
        ],
        "Kept",
    ),
    "see what this month costs": ([COSTS_TAB], "Where it went"),
    "keep the models awake for a meeting": (
        [MODELS_TAB, link("Wake, keep awake or put to sleep"), button("Keep")],
        "kept awake until",
    ),
    "put the models to sleep": (
        [lambda page: page.locator(".pill"), button("Put it to sleep")],
        "being removed",
    ),
}


@pytest.mark.parametrize("task", TASKS)
def test_each_of_an_analysts_ten_tasks_takes_three_clicks(visit: Any, task: str) -> None:
    steps, shows = TASKS[task]
    page = visit("start")
    clicks = 0
    for step in steps:
        found = step(page)
        if found is not None:
            found.click()
            clicks += 1
    expect(page.get_by_role("main")).to_contain_text(shows)
    assert clicks <= MOST_CLICKS
    assert len(TASKS) == 10
