"""The page on the deployed app, in a browser: ask, wake, sleep, a bad file, and a run from a dropped file on.

The model is that of test_app_runs. The page is what `finexpert web` serves, in a separate process.
"""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from finexpert import paths
from finexpert.service.deployment import Deployment
from tests.functional.app.page_client import packed
from tests.functional.web_page import scripted_documents as documents
from tests.functional.web_page.chromium import PATIENCE_MS, complaints_in, running_browser
from tests.functional.web_page.document_shapes import differences

pytestmark = pytest.mark.app

WAKE_MS, RUN_MS = 120_000, 240_000
PROMPT = "The results are encouraging for aggressive investors"
TEXT = paths.SAMPLE / "earnings_commentary.txt"
BAD_CSV = {"name": "bad.csv", "mimeType": "text/csv", "buffer": b"amount\n1\n2\n"}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page keeps what its user asked."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def address(deployed: Deployment, awake: None, state: Path) -> Iterator[str]:
    """The link that `finexpert web` prints."""
    command = [sys.executable, "-m", "finexpert", "web", "--no-browser", "--json"]
    environment = {**deployed.target.environment, "FINEXPERT_STATE": str(state)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield json.loads("".join(server.stdout.readline() for _ in range(3)))["url"]
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def context(address: str) -> Iterator[BrowserContext]:
    """A browser; everything that the page throws, or its policy blocks, fails the tests."""
    with running_browser() as browser:
        context = browser.new_context(locale="en-GB", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        complaints = complaints_in(context)
        yield context
        context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """The page, opened by its link."""
    page = context.new_page()
    page.goto(address)
    page.get_by_role("navigation").wait_for()
    yield page
    page.close()


@pytest.fixture(scope="module")
def watching(context: BrowserContext, address: str) -> Page:
    """A run, begun by a dropped file, in a tab that watches it while other tests use other tabs."""
    page = context.new_page()
    page.goto(address)
    page.get_by_role("link", name="Bring text").click()
    page.get_by_label("Drop files").set_input_files(TEXT)
    page.get_by_label("Train all the same").check()  # three documents held out are too few to judge by
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("list", name="Stages")).to_be_visible()
    return page


def test_the_documents_are_those_that_the_pages_tests_script(address: Any, answer: Any) -> None:
    run = next(entry["name"] for entry in answer("runs") if entry["outcome"] == "accepted")
    scripted = {
        "/session": documents.SESSION,
        "/prompts": documents.PROMPTS,
        "/endpoint": documents.endpoint("awake"),
        "/money": documents.money(),
        "/decisions": documents.decisions(),
        "/runs": {"runs": documents.runs()},
        f"/runs/{run}": documents.run(),
        f"/compare?a={run}&b={run}": documents.PAIR,
    }
    for path, expected in scripted.items():
        assert differences(_get(address, path), expected) == [], path
    body = packed(("letters.txt", TEXT.read_bytes()))
    assert differences(_get(address, "/datasets", body), documents.CHECKED) == []


def test_a_run_begins_with_a_dropped_file(watching: Any) -> None:
    expect(watching.get_by_role("main")).to_contain_text("This machine's time at AWS's price")


def test_a_file_that_cannot_be_trained_on_says_what_is_wrong(page: Any) -> None:
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_label("Drop files").set_input_files(files=[BAD_CSV])
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("This cannot be used")
    expect(problem.get_by_role("listitem").first).not_to_be_empty()
    expect(page.get_by_role("button", name="Start the run")).to_have_count(0)


def _ask(page: Page, prompt: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    page.get_by_label("Your question").fill(prompt)
    page.get_by_role("button", name="Ask", exact=True).click()


def test_base_and_tuned_model_answer_side_by_side_and_say_who_they_are(page: Any) -> None:
    _ask(page, PROMPT)
    for name in ("Base model", "Fine-tuned model"):
        answer = page.get_by_role("article", name=name)
        expect(answer).to_have_attribute("aria-busy", "false")
        expect(answer.locator(".text")).not_to_be_empty()
        expect(answer).to_contain_text("its sentences mean nothing")
    page.get_by_role("button", name="Shorter").click()
    expect(page.locator(".turn").nth(1).get_by_role("button", name="Shorter")).to_be_visible()


def test_examples_come_from_the_text_that_a_run_held_out(page: Any) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    page.get_by_text("Try an example, from the held-out text of").wait_for()
    expect(page.locator(".prompts button")).to_have_count(4)


def test_the_history_is_kept_by_the_server_for_its_owner_alone(page: Any, state: Path) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    expect(page.locator(".history").get_by_role("link").first).to_contain_text(PROMPT[:40])
    kept = list((state / "history").glob("*.json"))
    assert kept and all(file.stat().st_mode & 0o777 == 0o600 for file in kept)


def test_it_is_put_to_sleep_and_a_question_wakes_it(page: Any) -> None:
    page.locator(".pill").click()
    page.get_by_role("button", name="Put it to sleep").click()
    expect(page.locator(".pill")).to_have_text("Endpoint: Asleep", timeout=WAKE_MS)
    _ask(page, PROMPT)
    page.get_by_role("button", name="Wake and ask").click()
    expect(page.get_by_role("heading", name="Waiting to ask")).to_be_visible()
    expect(page.locator(".pill")).to_contain_text("Awake", timeout=WAKE_MS)
    expect(page.get_by_role("article", name="Fine-tuned model").locator(".text")).not_to_be_empty()


def test_the_money_tab_has_what_ran(page: Any, answer: Any) -> None:
    page.get_by_role("link", name="Costs", exact=True).click()
    table = page.get_by_role("table", name="What ran this month")
    for run in answer("runs"):
        if run["outcome"] == "accepted":
            expect(table).to_contain_text(run["name"])


def test_the_run_is_watched_to_its_end_and_its_report_opens(watching: Any) -> None:
    expect(watching.get_by_role("heading", name="Held-out result")).to_be_visible(timeout=RUN_MS)
    expect(watching.get_by_role("img", name="Training loss from")).to_be_visible()
    watching.get_by_role("button", name="Open", exact=True).click()
    report = watching.locator("iframe").content_frame
    expect(report.get_by_role("heading", level=1)).to_be_visible()
    # its style is let in by the page's policy: the cards stand side by side
    assert report.locator(".cards").evaluate("e => getComputedStyle(e).display") == "grid"


def _get(address: str, path: str, body: bytes | None = None) -> Any:
    base, _, token = address.partition("#token=")
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{base}api{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path}: {error.read().decode()}") from None
