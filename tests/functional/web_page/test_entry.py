"""Coming in: the token of the link, Cognito's sign-in, what goes over the wire, the keyboard."""

import json
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.functional.web_page.accessibility import violations
from tests.functional.web_page.page_server import TOKEN

MOST_BYTES = 300_000
COGNITO = {"auth": {"kind": "cognito", "domain": "https://login.example", "client_id": "the-client"}}


def test_the_token_leaves_the_address_and_stays_in_this_tab(visit: Any, context: Any, server: Any) -> None:
    page = visit("start")
    assert TOKEN not in page.url
    page.reload()
    expect(page.get_by_role("heading", name="An expert in your own financial text")).to_be_visible()
    other = context.new_page()
    other.goto(server.address)
    expect(other.get_by_role("heading", name="Open the link from your terminal")).to_be_visible()
    assert violations(other) == []


def test_a_token_of_another_start_is_refused_a_new_link_taken(context: Any, server: Any, api: Any) -> None:
    page = context.new_page()
    page.goto(f"{server.address}#token=of-yesterday")
    expect(page.get_by_role("heading", name="Open the link from your terminal")).to_be_visible()
    page.goto(server.link)  # only the fragment changes
    expect(page.get_by_role("heading", name="An expert in your own financial text")).to_be_visible()


def test_a_server_that_is_gone_is_reported_and_found_again(visit: Any, context: Any) -> None:
    page = visit("start")
    context.route("**/api/**", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The server behind this page does not answer.")
    assert violations(page) == []
    context.unroute("**/api/**")
    expect(page.get_by_role("heading", name="An expert in your own financial text")).to_be_visible()


@pytest.mark.parametrize("route", ["#/", "#/nowhere", "#/%E0%A4%A", "#/constructor"])
def test_an_address_that_leads_nowhere_leads_to_the_start(visit: Any, server: Any, route: Any) -> None:
    page = visit("runs")
    page.goto(server.address + route)
    expect(page.get_by_role("heading", name="An expert in your own financial text")).to_be_visible()


def test_the_page_is_light_and_asks_no_one_else(context: Any, server: Any, api: Any) -> None:
    sizes: dict[str, int] = {}
    page = context.new_page()
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto(server.link)
    for tab in ("Ask", "Documents", "Models", "Costs"):
        page.get_by_role("navigation").get_by_role("link", name=tab).click()
        if tab == "Costs":
            page.locator("canvas").wait_for()
    page.wait_for_load_state("networkidle")  # what was answered has been measured, too
    assert {urlsplit(url).netloc for url in sizes} == {urlsplit(server.address).netloc}
    assert any(url.endswith("/vendor/uplot.js") for url in sizes)
    assert sum(sizes.values()) <= MOST_BYTES


def test_all_is_reached_by_the_keyboard(visit: Any) -> None:
    page = visit("start")
    page.get_by_role("link", name="Letters, first try").wait_for()
    page.locator("body").press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Bring text")).to_be_focused()
    page.get_by_role("navigation").get_by_role("link", name="Models").press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    assert page.title().startswith("Models")
    page.get_by_label("Compare ").first.wait_for()
    page.get_by_role("link", name="Your own questions").focus()
    for name in ("Drop files", "or a whole folder"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(name).first).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Use the example company")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Compare ").first).to_be_focused()


def test_the_challenge_is_that_of_rfc_7636(visit: Any) -> None:
    """The verifier and challenge of the RFC's appendix B."""
    page = visit()
    challenge = page.evaluate(
        "async () => (await import('/auth.js')).challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')"
    )
    assert challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    verifiers = page.evaluate(
        "async () => { const {newVerifier: made} = await import('/auth.js'); return [made(), made()]; }"
    )
    assert len(set(verifiers)) == 2
    assert all(len(verifier) == 43 for verifier in verifiers)


class Cognito:
    """The sign-in pages and the token service, as far as the page sees them."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.asked: dict[str, str] = {}
        self.redeemed: dict[str, str] = {}
        self.state: str | None = None
        self.error: str | None = None
        context.route("**/config.json", lambda route: route.fulfill(json=COGNITO))
        context.route("https://login.example/oauth2/authorize*", self.authorize)
        context.route("https://login.example/oauth2/token", self.redeem)

    def authorize(self, route: Route) -> None:
        self.asked = _single(urlsplit(route.request.url).query)
        state = self.state or self.asked["state"]
        given = {"error_description": self.error, "error": "denied"} if self.error else {"code": "the-code"}
        back = f"{self.address}?{urlencode({**given, 'state': state})}"
        route.fulfill(
            body=f"<meta http-equiv=refresh content='0;url={escape(back)}'>", content_type="text/html"
        )

    def redeem(self, route: Route) -> None:
        self.redeemed = _single(route.request.post_data or "")
        headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"}
        route.fulfill(headers=headers, body=json.dumps({"access_token": TOKEN, "expires_in": 3600}))


@pytest.fixture
def cognito(context: BrowserContext, server: Any, api: Any) -> Cognito:
    """Deployed, as the page sees it; its policy lets it call the sign-in service."""

    def with_policy(route: Route) -> None:
        answer = route.fetch()
        policy = answer.headers["content-security-policy"].replace(
            "connect-src 'self'", "connect-src 'self' https://login.example"
        )
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    context.route(lambda url: urlsplit(url).path == "/", with_policy)
    return Cognito(context, server.address)


def _sign_in(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_signing_in_proves_that_it_is_the_same_browser(context: Any, server: Any, cognito: Any) -> None:
    page = _sign_in(context, server.address)
    expect(page.get_by_role("heading", name="An expert in your own financial text")).to_be_visible()
    assert "the-code" not in page.url
    assert cognito.asked["code_challenge_method"] == "S256"
    assert cognito.asked["redirect_uri"] == cognito.redeemed["redirect_uri"] == server.address
    assert cognito.redeemed["code"] == "the-code"
    challenge = page.evaluate(
        "async (verifier) => (await import('/auth.js')).challengeOf(verifier)",
        cognito.redeemed["code_verifier"],
    )
    assert cognito.asked["code_challenge"] == challenge
    assert "code_verifier" not in cognito.asked


def test_a_link_to_a_thread_is_still_good_after_signing_in(context: Any, server: Any, cognito: Any) -> None:
    page = _sign_in(context, f"{server.address}#/ask/nowhere")
    expect(page.get_by_role("alert")).to_contain_text("There is no such thread.")
    assert page.url == f"{server.address}#/ask/nowhere"


def test_a_refused_sign_in_says_why_and_only_to_who_asked(context: Any, server: Any, cognito: Any) -> None:
    cognito.error = "User is disabled."
    page = _sign_in(context, server.address)
    expect(page.get_by_role("alert")).to_contain_text("User is disabled.")
    page.goto(f"{server.address}?error=denied&error_description=Call+this+number&state=guessed")
    expect(page.get_by_role("alert")).to_contain_text("another sign-in")
    assert page.get_by_text("Call this number").count() == 0


def test_an_answer_to_another_sign_in_is_not_taken(context: Any, server: Any, cognito: Any) -> None:
    cognito.state = "somebody-elses"
    page = _sign_in(context, server.address)
    expect(page.get_by_role("alert")).to_contain_text("The answer belongs to another sign-in.")
    assert violations(page) == []
    assert cognito.redeemed == {}


def test_a_token_that_has_run_out_means_signing_in_again(context: Any, server: Any, cognito: Any) -> None:
    page = _sign_in(context, server.address)
    expect(page.get_by_role("heading", name="An expert in your own financial text")).to_be_visible()
    page.clock.install()
    page.clock.fast_forward(3_700_000)
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
