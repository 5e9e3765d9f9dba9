"""The Ask tab: answers side by side while they come, who gives them, and the wait for a sleeping endpoint."""

import re
from http import HTTPStatus
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from finexpert.web.http import Problem
from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.chromium import wait_until

pytestmark = pytest.mark.usefixtures("no_documents")
PROMPT = "The results for the short in the money options"
ANSWERS = {"base": "Base model", "tuned": "Fine-tuned model"}


def ask(page: Page, prompt: str) -> None:
    page.get_by_label("Your question").fill(prompt)
    page.get_by_role("button", name="Ask", exact=True).click()


def answered(page: Page) -> None:
    """Wait for the base's answer: the page shows its place before the server has been asked."""
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(re.compile(r"\S"))


def test_both_answers_stream_side_by_side(visit: Any, api: Any) -> None:
    api.pace.clear()
    page = visit()
    ask(page, "Volatility")
    base, tuned = (page.get_by_role("article", name=name) for name in ANSWERS.values())
    expect(base).to_contain_text(api.texts["base"][:40])
    expect(tuned).to_contain_text(api.texts["tuned"][:40])
    expect(base).to_have_attribute("aria-busy", "true")
    api.pace.set()
    expect(base).to_have_attribute("aria-busy", "false")
    expect(base.locator(".text")).to_have_text(api.texts["base"])
    expect(tuned.locator(".text")).to_have_text(api.texts["tuned"])
    assert base.bounding_box()["y"] == tuned.bounding_box()["y"]
    assert api.asked == [{"prompt": "Volatility", "parameters": _defaults()}]  # no thread yet


def test_screen_readers_hear_of_the_answers_once_and_not_word_by_word(visit: Any, api: Any) -> None:
    page = visit()
    page.evaluate(
        """window.heard = [];
        const place = document.getElementById("announcer");
        new MutationObserver(() => heard.push(place.textContent))
          .observe(place, {childList: true, characterData: true, subtree: true});"""
    )
    ask(page, "Volatility")
    expect(page.locator("#announcer")).to_have_text("Answered by base and tuned.")
    assert page.evaluate("heard") == ["Asking base and tuned.", "Answered by base and tuned."]
    assert page.locator(".answer [aria-live], .answer [role=status], .answer[aria-live]").count() == 0


def test_each_of_the_four_prompts_is_one_click_away(visit: Any, api: Any) -> None:
    page = visit()
    for prompt in documents.PROMPTS["prompts"]:
        page.get_by_role("button", name=prompt).click()
        expect(page.locator(".answer .text").first).to_have_text(api.texts["base"])
        page.get_by_role("button", name="New thread").click()
    assert [question["prompt"] for question in api.asked] == documents.PROMPTS["prompts"]


def test_examples_say_where_they_come_from(visit: Any) -> None:
    expect(visit().get_by_text("Try an example, from the held-out text of letters")).to_be_visible()


def test_ctrl_enter_asks(visit: Any, api: Any) -> None:
    page = visit()
    page.get_by_label("Your question").fill("Volatility")
    page.keyboard.press("Control+Enter")
    answered(page)
    assert len(api.asked) == 1


def test_sampling_settings_are_folded_bounded_and_sent(visit: Any, api: Any) -> None:
    page = visit()
    temperature, seed = page.get_by_label("Temperature"), page.get_by_label("Seed")
    expect(temperature).to_be_hidden()
    page.get_by_text("Sampling settings").click()
    expect(seed).to_be_disabled()  # without chance there is nothing to seed
    temperature.fill("0.7")
    seed.fill("42")
    page.get_by_label("Your question").fill("Volatility")
    page.keyboard.press("Control+Enter")
    answered(page)
    assert api.asked[0]["parameters"] == {**_defaults(), "temperature": 0.7, "seed": 42}


@pytest.mark.parametrize("value", ["5000", "0", "1.5", "many", ""])
def test_a_value_out_of_range_is_refused_and_never_replaced(visit: Any, api: Any, value: str) -> None:
    page = visit()
    page.get_by_text("Sampling settings").click()
    longest = page.get_by_label("Longest answer")
    longest.fill(value)
    ask(page, "Volatility")
    expect(page.get_by_role("alert")).to_contain_text(
        f"“{value}” cannot be used. It must be a whole number from 1 to 1024."
    )
    expect(longest).to_have_value(value)
    expect(longest).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Your question")).to_have_value("Volatility")
    assert api.asked == []
    longest.fill("200")
    page.get_by_role("button", name="Ask", exact=True).click()
    answered(page)
    assert api.asked[0]["parameters"]["max_new_tokens"] == 200


def test_who_answers_stands_above_each_answer(visit: Any, api: Any) -> None:
    page = visit()
    ask(page, "Volatility")
    base, tuned = (page.get_by_role("article", name=name) for name in ANSWERS.values())
    expect(base.locator(".who")).to_have_text("Llama 2 7B, not trained further")
    expect(tuned.locator(".who")).to_have_text(f"Llama 2 7B, trained on letters (run {documents.RUN})")
    expect(page.locator(".answer .badge")).to_have_count(0)


def test_who_answers_is_known_even_before_the_page_has_looked(visit: Any, api: Any, context: Any) -> None:
    held: list[Route] = []
    page = visit("start")
    context.route("**/api/endpoint", lambda route: held.append(route) if not held else route.continue_())
    page.goto(page.url.replace("#/start", "?again#/ask"))
    ask(page, "Volatility")
    who = page.get_by_role("article", name="Base model").locator(".who")
    expect(who).to_have_text("Llama 2 7B, not trained further")
    held[0].continue_()


def test_a_model_that_the_gate_refused_and_a_practice_model_say_so(visit: Any, api: Any) -> None:
    who = [documents.answerer(name, outcome="rejected", practice=True) for name in ("base", "tuned")]
    api.endpoint = documents.endpoint("awake", answerers=who)
    page = visit()
    ask(page, "Volatility")
    base, tuned = (page.get_by_role("article", name=name) for name in ANSWERS.values())
    expect(tuned.locator(".badge")).to_have_text("not accepted by the gate")
    expect(base.locator(".badge")).to_have_count(0)
    for each in (base, tuned):
        expect(each).to_contain_text("its sentences mean nothing")
    expect(page.get_by_role("button", name="New thread")).to_be_visible()
    page.reload()  # what was said at the time stays with the answer
    expect(page.get_by_role("article", name="Fine-tuned model")).to_contain_text("its sentences mean nothing")


def test_an_answer_that_was_cut_is_marked(visit: Any, api: Any) -> None:
    api.cut = True
    page = visit()
    ask(page, "Volatility")
    expect(page.get_by_role("article", name="Base model")).to_contain_text("Cut off at 64 tokens")


def test_model_output_is_text_never_markup(visit: Any, api: Any) -> None:
    api.texts = dict.fromkeys(api.texts, "<img src=x onerror=\"document.title='taken'\"><b>bold</b>")
    page = visit()
    ask(page, "<script>document.title='taken'</script>")
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(api.texts["base"])
    assert page.locator(".answer img, .answer b, blockquote script").count() == 0
    assert "taken" not in page.title()


def test_long_answers_scroll_in_their_window_and_follow_the_end(visit: Any, api: Any) -> None:
    api.texts = dict.fromkeys(api.texts, "notional exposure of the book " * 600)
    api.pace.clear()
    page = visit()
    ask(page, "Volatility")
    text = page.get_by_role("group", name="Base model's answer")
    expect(text).to_contain_text("notional")
    at_the_end = "e => e.scrollTop + e.clientHeight > e.scrollHeight - 30"
    wait_until(page, lambda: bool(text.evaluate(at_the_end)))
    assert text.evaluate("e => e.clientHeight") < 500
    text.evaluate("e => { e.scrollTop = 0; e.dispatchEvent(new Event('scroll')); }")
    api.pace.set()
    expect(text).to_have_text(api.texts["base"].strip())
    assert text.evaluate("e => e.scrollTop") == 0  # who reads at the top is not carried off


def test_who_wants_no_motion_gets_none(visit: Any, api: Any) -> None:
    api.pace.clear()
    page = visit()
    ask(page, "Volatility")
    moving = "e => getComputedStyle(e, '::before').animationName"
    writing = page.locator(".writing").first
    assert writing.evaluate(moving) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert writing.evaluate(moving) == "pulse"


def test_a_slow_answer_says_so_and_may_be_stopped(visit: Any, api: Any) -> None:
    api.pace.clear()
    page = visit()
    page.clock.install()
    ask(page, "Volatility")
    base = page.get_by_role("article", name="Base model")
    expect(base).to_contain_text("Writing")
    page.clock.fast_forward(20_000)
    expect(base).to_contain_text(re.compile(r"Nothing new for 2\d s; the connection is still open\."))
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped; what had come by then is kept.")).to_be_visible()
    page.get_by_label("Your next question").fill("Risk")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    expect(page.locator(".history li")).to_have_count(1)


def test_where_nothing_streams_the_wait_is_called_what_it_is(visit: Any, api: Any, context: Any) -> None:
    api.session["can"]["stream"] = False
    held: list[Route] = []
    context.route("**/api/ask", lambda route: held.append(route))
    page = visit()
    page.clock.install()
    ask(page, "Volatility")
    base = page.get_by_role("article", name="Base model")
    expect(base).to_contain_text("Waiting for the whole answer")
    page.clock.fast_forward(20_000)
    expect(base).to_contain_text(re.compile(r"2\d s so far"))
    expect(base).not_to_contain_text("Nothing new")
    wait_until(page, lambda: bool(held))
    held[0].continue_()
    expect(base.locator(".text")).to_have_text(api.texts["base"])


def test_one_model_that_fails_does_not_take_the_others_answer(visit: Any, api: Any) -> None:
    api.broken["tuned"] = Problem(
        HTTPStatus.TOO_MANY_REQUESTS, "throttled", "The model is busy.", fix="Wait."
    )
    page = visit()
    ask(page, "Volatility")
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(api.texts["base"])
    expect(page.get_by_role("alert")).to_contain_text("The model is busy.")


def test_a_connection_that_ends_early_keeps_what_came(visit: Any, api: Any, context: Any) -> None:
    cut = b'{"event":"text","model":"base","text":"half an ans"}\n'
    context.route("**/api/ask", lambda route: route.fulfill(body=cut, content_type="application/x-ndjson"))
    page = visit()
    ask(page, "Volatility")
    expect(page.get_by_role("alert")).to_contain_text("The connection ended before the answers did.")
    expect(page.get_by_role("article", name="Base model")).to_contain_text("half an ans")


def test_asking_while_asleep_offers_to_wake_and_queues_the_question(visit: Any, api: Any) -> None:
    api.endpoint = documents.endpoint("asleep")
    page = visit()
    expect(page.locator(".pill")).to_contain_text("Asleep")  # or it asks the server, which refuses
    ask(page, PROMPT)
    offer = page.get_by_role("region", name="The models are asleep")
    expect(offer).to_contain_text("$1.515/h")
    expect(offer).to_contain_text("Waking takes about 6 min, going by past wakes.")
    assert api.asked == []
    offer.get_by_role("button", name="Wake and ask").click()
    waiting = page.get_by_role("region", name="Waiting to ask")
    expect(waiting).to_contain_text(PROMPT)
    assert [path for _, path, _ in api.changes] == ["/api/endpoint/wake"]
    page.reload()  # the queue outlives it
    expect(waiting).to_contain_text(PROMPT)
    api.endpoint = documents.endpoint("awake")
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(api.texts["base"])
    expect(waiting).to_be_hidden()
    assert [question["prompt"] for question in api.asked] == [PROMPT]


def test_the_offer_may_be_declined(visit: Any, api: Any) -> None:
    api.endpoint = documents.endpoint("asleep")
    page = visit()
    ask(page, PROMPT)
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("region", name="The models are asleep")).to_be_hidden()
    assert api.changes == []


def test_an_endpoint_that_fell_asleep_unseen_is_offered_too(visit: Any, api: Any) -> None:
    page = visit()
    expect(page.locator(".pill")).to_contain_text("Awake")
    api.endpoint = documents.endpoint("asleep")
    ask(page, PROMPT)
    expect(page.get_by_role("button", name="Wake and ask")).to_be_visible()
    page.wait_for_timeout(500)
    assert len(api.asked) == 1  # not again and again while the page's own knowledge is older
    page.get_by_role("button", name="Wake and ask").click()
    expect(page.locator(".pill")).to_contain_text("Waking")  # the server has begun
    api.endpoint = documents.endpoint("awake")
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(api.texts["base"])
    assert len(api.asked) == 2


def _defaults() -> dict[str, float]:
    return {name: bounds["default"] for name, bounds in documents.SESSION["parameters"].items()}
