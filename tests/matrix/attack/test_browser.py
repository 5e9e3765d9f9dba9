"""Web pages in a real Chromium reach neither the embedded cloud nor the page on this machine.

Each page tries what a browser lets it: requests without a preflight, with one, forms, and its own name
that points here.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from localcloud.lifecycle import Cloud
from tests.functional.web_page.page_server import running_page
from tests.matrix.attack.conftest import REBOUND

KEPT, EVIL = "attack-kept", "attack-evil"
FUNCTION = (
    '{"FunctionName": "attack-evil", "Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/r",'
    ' "Handler": "i.h", "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}'
)
FETCHES = """async ([base, code]) => {
  const plain = { "Content-Type": "text/plain" };
  const tries = {
    "plain": ["2015-03-31/functions", { method: "POST", body: code, headers: plain }],
    "opaque": ["2015-03-31/functions", { method: "POST", body: code, headers: plain, mode: "no-cors" }],
    "preflight": ["", { method: "POST", body: "{}", headers: { "X-Amz-Target": "SageMaker.ListEndpoints" } }],
    "bucket": ["attack-evil", { method: "PUT" }],
    "reset": ["_ministack/reset", { method: "POST", mode: "no-cors" }],
    "config": ["_ministack/config", { method: "POST", body: "{}", headers: plain, mode: "no-cors" }],
    "bill": ["_finexpert/bill", { method: "POST", body: '{"service": "AmazonS3", "usd": 5}', headers: plain,
                                   mode: "no-cors" }],
    "read": ["", {}],
    "session": ["api/session", {}],
    "key": ["api/session", { headers: { Authorization: "Bearer guessed" } }],
    "cookies": ["api/session", { credentials: "include" }],
    "stop": ["api/endpoint/sleep", { method: "POST", body: "{}", headers: plain, mode: "no-cors" }],
  };
  const answers = {};
  for (const [name, [path, options]] of Object.entries(tries)) {
    try {
      const answer = await fetch(base + path, options);
      answers[name] = answer.type === "opaque" ? "opaque" : answer.status;
    } catch { answers[name] = "blocked"; }
  }
  answers.socket = await new Promise((done) => {
    const socket = new WebSocket(base.replace("http", "ws"));
    socket.onopen = () => done("open");
    socket.onerror = socket.onclose = () => done("blocked");
  });
  return answers;
}"""
FORM = """([base, code]) => {
  const form = document.createElement("form");
  form.method = "post"; form.enctype = "text/plain"; form.action = base + "2015-03-31/functions";
  const field = document.createElement("input");
  field.name = code.slice(0, -1) + ', "x": "'; field.value = '"}';
  form.append(field); document.body.append(form); form.submit();
}"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of another site on this machine."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><title>evil</title><body>")
    with HTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def untouched(cloud: Cloud, client: Callable[[str], Any]) -> Iterator[None]:
    """After the attack the cloud holds what it held, and nothing more."""
    client("s3").create_bucket(Bucket=KEPT)
    yield
    buckets = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    assert KEPT in buckets and EVIL not in buckets
    assert client("lambda").list_functions()["Functions"] == []
    assert cloud.ask("GET", "health")
    client("s3").delete_bucket(Bucket=KEPT)


def open_site(page: Page, site: str, elsewhere: str, tmp_path: Path) -> None:
    if site == "a file":
        (tmp_path / "evil.html").write_text("<!doctype html><title>evil</title><body>")
        page.goto((tmp_path / "evil.html").as_uri())
    else:
        page.goto(elsewhere if site == "another port" else elsewhere.replace("127.0.0.1", REBOUND))


@pytest.mark.parametrize("site", ["another port", "a file", "another name"])
@pytest.mark.usefixtures("untouched")
def test_a_page_of_another_site_gets_nothing(
    cloud: Cloud, page: Page, elsewhere: str, tmp_path: Path, site: str
) -> None:
    open_site(page, site, elsewhere, tmp_path)
    answers = page.evaluate(FETCHES, [f"{cloud.endpoint_url}/", FUNCTION])
    assert set(answers.values()) <= {"blocked", "opaque"}, answers
    with page.expect_navigation() as navigation:
        page.evaluate(FORM, [f"{cloud.endpoint_url}/", FUNCTION])
    assert navigation.value is not None and navigation.value.status == 403


@pytest.mark.usefixtures("untouched")
def test_a_name_that_was_made_to_point_here_gets_nothing(cloud: Cloud, page: Page) -> None:
    own = f"http://{REBOUND}:{urlsplit(cloud.endpoint_url).port}/"
    answer = page.goto(own)
    assert answer is not None and answer.status == 403
    answers = page.evaluate(FETCHES, [own, FUNCTION])
    assert set(answers.values()) <= {403, "opaque", "blocked"}, answers
    assert answers["plain"] == answers["preflight"] == 403


@pytest.mark.parametrize("site", ["another port", "a file", "another name"])
def test_the_page_on_this_machine_answers_no_other_site(
    page: Page, elsewhere: str, tmp_path: Path, site: str
) -> None:
    with running_page() as server:
        open_site(page, site, elsewhere, tmp_path)
        answers = page.evaluate(FETCHES, [server.address, FUNCTION])
        assert set(answers.values()) <= {"blocked", "opaque"}, answers
        assert server.api.asked == []
        rebound = server.address.replace("127.0.0.1", REBOUND)
        answer = page.goto(rebound)
        assert answer is not None and answer.status == 403
        assert server.api.asked == []
