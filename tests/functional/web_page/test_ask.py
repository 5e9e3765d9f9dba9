"""The Ask tab: two answers side by side while they come, the queue for a sleeping endpoint, the history."""

from __future__ import annotations

import csv
import io
import re
from http import HTTPStatus
from typing import Any

from playwright.sync_api import Page, Route, expect

from finexpert.web.http import Problem
from tests.functional.web_page import scripted_documents as documents

PROMPT = "The results for the short in the money options"
ANSWERS = {"base": "Base model", "tuned": "Fine-tuned model"}


def ask(page: Page, prompt: str) -> None:
    page.get_by_label("Your question").fill(prompt)
    page.get_by_role("button", name="Ask", exact=True).click()


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
    assert api.asked == [{"prompt": "Volatility", "parameters": _defaults()}]


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
    for prompt in documents.SESSION["prompts"]:
        page.get_by_role("button", name=prompt).click()
        expect(page.locator(".answer .text").first).to_have_text(api.texts["base"])
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
    assert [question["prompt"] for question in api.asked] == documents.SESSION["prompts"]


def test_ctrl_enter_asks(visit: Any, api: Any) -> None:
    page = visit()
    page.get_by_label("Your question").fill("Volatility")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Answers")).to_be_visible()
    assert len(api.asked) == 1


def test_sampling_settings_are_folded_bounded_and_sent(visit: Any, api: Any) -> None:
    page = visit()
    temperature, seed = page.get_by_label("Temperature"), page.get_by_label("Seed")
    expect(temperature).to_be_hidden()
    page.get_by_text("Sampling settings").click()
    expect(seed).to_be_disabled()  # without chance there is nothing to seed
    temperature.fill("0.7")
    seed.fill("42")
    page.get_by_label("Longest answer").fill("5000")  # beyond its bound: not taken
    page.get_by_label("Your question").fill("Volatility")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Answers")).to_be_visible()
    assert api.asked[0]["parameters"] == {**_defaults(), "temperature": 0.7, "seed": 42}


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
    page.wait_for_function(
        "e => e.scrollTop + e.clientHeight > e.scrollHeight - 30", arg=text.element_handle()
    )
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
    ask(page, PROMPT)
    offer = page.get_by_role("region", name="The models are asleep")
    expect(offer).to_contain_text("$1.52 an hour")
    expect(offer).to_contain_text("Waking takes about 6 min, by past wakes.")
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
    api.endpoint = documents.endpoint("awake")
    expect(page.get_by_role("article", name="Base model").locator(".text")).to_have_text(api.texts["base"])
    assert len(api.asked) == 2


def test_history_is_kept_in_this_browser_copied_exported_and_forgotten(visit: Any, api: Any) -> None:
    api.texts = {"base": '=HYPERLINK("http://evil.example")', "tuned": 'a, "b"\nand ```` c'}
    page = visit()
    ask(page, "+1 and more")
    expect(page.locator(".history li")).to_have_count(1)
    page.reload()
    entry = page.locator(".history li")
    entry.locator("summary").click()
    expect(entry.locator(".text").first).to_have_text(api.texts["base"])
    entry.get_by_role("button", name="Copy").click()
    expect(entry.get_by_role("button", name="Copied")).to_be_visible()
    assert api.texts["base"] in page.evaluate("navigator.clipboard.readText()")

    header, base, tuned = csv.reader(io.StringIO(_exported(page, "CSV")))
    assert header[1:4] == ["prompt", "model", "answer"]
    assert base[1:4] == ["'+1 and more", "base", "'" + api.texts["base"]]  # no formula for a spreadsheet
    assert tuned[3] == api.texts["tuned"]
    markdown = _exported(page, "Markdown")
    assert "`````text\n" + api.texts["tuned"] + "\n`````" in markdown  # a fence longer than any inside

    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".history")).to_have_count(0)
    page.reload()
    page.get_by_role("navigation").wait_for()
    expect(page.locator(".history")).to_have_count(0)


def test_a_full_browser_keeps_the_newest_half(visit: Any, api: Any) -> None:
    page = visit()
    kept = page.evaluate(
        """async () => {
          const {save} = await import("/history.js");
          const entries = Array.from({length: 150}, (_, id) => ({id, text: "x".repeat(60000)}));
          return save(entries).map((entry) => entry.id);
        }"""
    )
    assert kept == list(range(75))


def _exported(page: Page, kind: str) -> str:
    with page.expect_download() as told:
        page.get_by_role("button", name=kind).click()
    return told.value.path().read_text(encoding="utf-8")


def _defaults() -> dict[str, float]:
    return {name: bounds["default"] for name, bounds in documents.SESSION["parameters"].items()}
