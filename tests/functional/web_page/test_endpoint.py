"""The Endpoint tab: what it is doing, what it costs, and waking, keeping and sleeping it."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from playwright.sync_api import expect

from finexpert.web.http import Problem
from tests.functional.web_page import scripted_documents as documents


def test_wake_watch_and_sleep(visit: Any, api: Any) -> None:
    api.endpoint = documents.endpoint("asleep")
    page = visit("endpoint")
    main, pill = page.get_by_role("main"), page.locator(".pill")
    expect(pill).to_have_text("Endpoint: Asleep")
    page.get_by_role("button", name="Wake it").click()
    expect(main).to_contain_text("Usually ready in about 6 min.")
    expect(pill).to_have_text("Endpoint: Waking")
    api.endpoint = documents.endpoint("awake")
    expect(pill).to_have_text("Endpoint: Awake · $1.515/h")
    expect(page.locator("#announcer")).to_have_text("The endpoint is awake.")
    expect(main).to_contain_text("in about 42 min")
    page.get_by_role("button", name="Put it to sleep").click()
    expect(pill).to_have_text("Endpoint: Going to sleep")
    api.endpoint = documents.endpoint("asleep")
    expect(main).to_contain_text("Nothing is being charged")
    assert [(path, body) for _, path, body in api.changes] == [
        ("/api/endpoint/wake", {"run": None}),
        ("/api/endpoint/finish", {}),
        ("/api/endpoint/sleep", {}),
    ]


def test_a_woken_model_that_does_not_answer_is_reported(visit: Any, api: Any) -> None:
    api.faults["/endpoint/finish"] = Problem(
        HTTPStatus.CONFLICT, "failed", "The tuned model does not answer."
    )
    api.endpoint = documents.endpoint("waking", wake_began=datetime.now(UTC).isoformat())
    page = visit("endpoint")
    expect(page.locator(".pill")).to_have_text("Endpoint: Waking")
    api.endpoint = documents.endpoint("awake")
    expect(page.get_by_role("alert")).to_contain_text("The tuned model does not answer.")


def test_keep_awake_for_some_hours(visit: Any, api: Any) -> None:
    page = visit("endpoint")
    page.get_by_label("Keep awake for").select_option("4 hours")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("kept awake until")
    assert api.changes == [("POST", "/api/endpoint/keep", {"hours": 4})]


def test_keeping_it_awake_shows_what_that_costs_and_what_is_left(visit: Any, api: Any) -> None:
    api.money = documents.money(spent_usd=20.0, limit_usd=23.0)
    page = visit("endpoint")
    main = page.get_by_role("main")
    expect(main).to_contain_text("$1.52 of the $3.00 left until the limit.")
    expect(main).not_to_contain_text("The spend guard puts it to sleep")
    page.get_by_label("Keep awake for").select_option("8 hours")
    expect(main).to_contain_text("$12.12 of the $3.00 left until the limit.")
    expect(main).to_contain_text("The spend guard puts it to sleep after 1 h 58 min.")


def test_who_answers_stands_at_the_endpoint_with_the_gates_no(visit: Any, api: Any) -> None:
    who = [documents.answerer("base"), documents.answerer("tuned", outcome="rejected")]
    api.endpoint = documents.endpoint("awake", answerers=who)
    main = visit("endpoint").get_by_role("main")
    expect(main).to_contain_text(
        f"Llama 2 7B, trained on letters (run {documents.RUN}), beside the base model."
    )
    expect(main.locator(".badge")).to_have_text("not accepted by the gate")


def test_a_wake_that_takes_longer_than_ever_says_so(visit: Any, api: Any) -> None:
    began = (datetime.now(UTC) - timedelta(minutes=9)).isoformat()
    api.endpoint = documents.endpoint("waking", wake_began=began)
    page = visit("endpoint")
    expect(page.get_by_role("main")).to_contain_text("It takes longer than usual (6 min 00 s")


def test_a_first_wake_claims_nothing(visit: Any, api: Any) -> None:
    api.endpoint = documents.endpoint(
        "waking", wake_seconds_expected={"seconds": None, "from": "no wake yet"}
    )
    page = visit("endpoint")
    expect(page.get_by_role("main")).to_contain_text("This is the first wake")
    expect(page.get_by_role("progressbar", name="Waking")).not_to_have_attribute("value", "0")


def test_a_refused_wake_says_why_and_what_to_do(visit: Any, api: Any) -> None:
    api.endpoint = documents.endpoint("asleep")
    api.faults["/endpoint/wake"] = Problem(
        HTTPStatus.CONFLICT, "budget_reached", "$23.10 of $23.00 is spent.", fix="Wait for the next month."
    )
    page = visit("endpoint")
    page.get_by_role("button", name="Wake it").click()
    expect(page.get_by_role("alert")).to_contain_text("Wait for the next month.")
    page.get_by_role("link", name="See what it was spent on").click()
    expect(page.get_by_role("heading", name="Where it went")).to_be_visible()


def test_what_was_known_stays_while_the_cloud_is_gone_and_goes_on_after(visit: Any, api: Any) -> None:
    api.endpoint = documents.endpoint("waking")  # looked at every second
    page = visit("endpoint")
    expect(page.get_by_role("heading", name="Waking")).to_be_visible()
    api.faults["/endpoint"] = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The cloud is gone.")
    problem = page.get_by_role("status").filter(has_text="The cloud is gone.")
    expect(problem).to_be_visible()
    expect(page.get_by_role("heading", name="Waking")).to_be_visible()
    api.faults.clear()
    expect(problem).to_be_hidden()


def test_nothing_is_asked_while_no_one_looks(visit: Any, api: Any, context: Any) -> None:
    """A deployed page in a forgotten tab must not cost anything."""
    api.endpoint = documents.endpoint("waking")
    page = visit("endpoint")
    expect(page.get_by_role("heading", name="Waking")).to_be_visible()
    page.evaluate(
        """Object.defineProperty(document, "hidden", {get: () => window.away, configurable: true});
        window.away = true; document.dispatchEvent(new Event("visibilitychange"));"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert asked == []
    with page.expect_response("**/api/endpoint"):
        page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    assert [url.rpartition("/")[2] for url in asked] == ["endpoint"]
