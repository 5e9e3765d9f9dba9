"""Every right of the page's function is used by a page that someone uses, and none is missing."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from finexpert import paths
from tests.functional.app.page_client import Browser, packed, sign_in
from tests.functional.guardrails.guarded_app import (
    App,
    eventually,
    guarded_app,
    make_endpoint,
    names_of_endpoints,
)
from tests.matrix.iam.rights_needed import lacking, policies_of, superfluous

USER, FIRST, OWN = "ana@example.com", "First-Pass-1234!", "Own-Pass-1234567!"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with the page, deployed."""
    with guarded_app(tmp_path_factory.mktemp("page"), {"FINEXPERT_WEB": "true"}) as made:
        made.deploy()
        yield made
        made.destroy()


@pytest.fixture(scope="module")
def page(app: App) -> Browser:
    """The deployed page, signed in to."""
    page_url = app.deployment.output("Web", "PageUrl")
    found = re.search(r"//([0-9a-z]+)\.execute-api", page_url)
    assert found is not None
    api = Browser(f"{app.cloud.endpoint_url}/_aws/execute-api/{found[1]}/$default")
    app.client("cognito-idp").admin_create_user(
        UserPoolId=app.deployment.output("Web", "UserPoolId"),
        Username=USER,
        UserAttributes=[{"Name": "email", "Value": USER}, {"Name": "email_verified", "Value": "true"}],
        TemporaryPassword=FIRST,
        MessageAction="SUPPRESS",
    )
    token = sign_in(app.cloud.endpoint_url, api, page_url, USER, FIRST, OWN)
    api.headers["Authorization"] = f"Bearer {token}"
    return api


def until(page: Browser, path: str, wanted: Callable[[Any], bool]) -> Any:
    """The document at a path as soon as it is as wanted."""
    return eventually(lambda: told if wanted(told := page.get(path)) else None, seconds=280)


def start(page: Browser, dataset: str, **hyperparameters: str) -> str:
    started = page.post("/api/runs", {"dataset": dataset, "hyperparameters": hyperparameters})
    assert started.status == 201, started.body
    return str(started.json()["run"])


@pytest.mark.timeout(1800)
def test_a_day_on_the_page_uses_every_right_of_its_function(app: App, page: Browser) -> None:
    page.get("/api/session")
    text = b"\n".join(file.read_bytes() for file in sorted(paths.SAMPLE.glob("*.txt"))[:4])
    dataset = page.send("POST", "/api/datasets", packed(("reports.txt", text))).json()["dataset"]
    run = start(page, dataset, max_steps="15")
    aborted = start(page, dataset, epoch="500")
    until(page, f"/api/runs/{aborted}", lambda told: told["step"] > 0)
    assert page.post(f"/api/runs/{aborted}/stop", {}).status == 202
    ended = until(page, f"/api/runs/{run}", lambda told: told["stage"] == "ended")
    assert ended["outcome"] == "accepted", ended["error"]
    assert page.send("GET", f"/api/runs/{run}/report").status == 200
    assert page.send("GET", f"/api/runs/{aborted}/report").status == 404
    assert page.post("/api/endpoint/wake", {}).status == 202
    until(page, "/api/endpoint", lambda told: told["state"] == "awake")
    assert page.post(f"/api/runs/{run}/promote", {}).status == 202
    assert page.post("/api/ask", {"prompt": "Revenue", "parameters": {"max_new_tokens": 4}}).status == 200
    assert page.get("/api/prompts")["from"] != "the sample"
    turn = {"id": "t1", "prompt": "Revenue", "answers": [{"model": "base", "text": "It rose."}]}
    assert page.post("/api/threads/first/turns", turn).status == 200
    assert page.get("/api/threads")["threads"]
    assert page.post("/api/threads/first/remove", {}).status == 200
    assert page.post(f"/api/runs/{run}/name", {"name": "First try"}).status == 200
    assert page.post("/api/endpoint/keep", {"hours": 2}).status == 200
    make_endpoint(app, "beside")  # the month counts what no stack owns, too
    app.invoke("idle-reaper")
    for path in ("/api/endpoint", "/api/money", "/api/decisions", "/api/runs"):
        page.get(path)
    assert page.post("/api/endpoint/sleep", {}).status == 202
    until(page, "/api/endpoint", lambda told: told["state"] == "asleep")
    # What CloudFormation gave up deleting is removed directly; while its component goes, the page is busy.
    make_endpoint(app, "finexpert", component="finexpert-base")
    eventually(lambda: page.post("/api/endpoint/sleep", {}).status == 202)
    eventually(lambda: "finexpert" not in names_of_endpoints(app), why="the endpoint is still there")
    policies = policies_of(app, "FinExpert-Web")
    assert len(policies) == 1
    asked = app.cloud.ask("GET", "access")["access"]
    assert lacking(policies, asked) == []
    unused = superfluous(policies, asked)
    assert not unused, "\n".join(unused)
