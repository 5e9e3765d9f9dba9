"""The page's API on the deployed app, from this machine and as a stack, with what test_app_runs made."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from finexpert import paths
from finexpert.service.deployment import Deployment
from finexpert.web.files import digest
from tests.functional.app.page_client import Browser, packed

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("awake")]

SHORT = {"max_new_tokens": 8}
PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def page(deployed: Deployment) -> Iterator[Browser]:
    """`finexpert web` as a separate process, which a SIGTERM ends in order."""
    with subprocess.Popen(
        [sys.executable, "-m", "finexpert", "web", "--no-browser"],
        env=dict(deployed.target.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            printed = re.search(r"(http://127\.0\.0\.1:\d+)/#token=(\S+)", server.stdout.readline())
            assert printed is not None
            yield Browser(printed[1], {"Authorization": f"Bearer {printed[2]}"})
        finally:
            server.terminate()
            told = server.stderr.read()
    assert server.returncode == 0, told
    assert "Traceback" not in told


@pytest.fixture(scope="module")
def accepted(page: Browser) -> str:
    """The run that test_app_runs had accepted."""
    return str(next(run["name"] for run in page.get("/api/runs")["runs"] if run["outcome"] == "accepted"))


def eventually(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """Look until it is as wanted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not wanted(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def test_the_page_is_for_its_own_browser_only(page: Browser) -> None:
    stranger = Browser(page.address)
    assert stranger.send("GET", "/").status == 200
    assert stranger.send("GET", "/api/session").code == "unauthorized"
    assert page.send("GET", "/api/session", Authorization="Bearer guessed").status == 401
    assert page.send("GET", "/api/session", Origin="https://example.com").code == "forbidden"
    assert page.send("GET", "/", Host="rebound.example.com").status == 403
    assert page.send("GET", "/api/session", Sec_Fetch_Site="same-site").status == 403
    with pytest.raises(OSError):  # another address of this machine, which a server for all would answer
        socket.create_connection(("127.0.0.2", int(page.address.rpartition(":")[2])), timeout=2)
    policy = page.send("GET", "/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert page.send("GET", "/api/session").headers["Cache-Control"] == "no-store"


def test_an_answer_comes_in_pieces_from_both_models(page: Browser) -> None:
    session = page.get("/api/session")
    assert session["on"]["kind"] == "local" and session["can"] == {"stream": True, "compare": True}
    asked = {"prompt": page.get("/api/prompts")["prompts"][0], "parameters": {"max_new_tokens": 200}}
    events = list(page.lines("/api/ask", asked))
    said = {event["model"]: event["text"] for event in events if event["event"] == "answer"}
    assert set(said) == set(session["models"]) == {"base", "tuned"}
    pieces = [event for event in events if event["event"] == "text"]
    assert len(pieces) > 2
    assert all(said[piece["model"]].startswith(piece["text"]) for piece in pieces)
    assert events[-1] == {"event": "end", "forgotten": 0}
    refused = page.post("/api/ask", {**asked, "prompt": "word " * 700})
    assert (refused.status, refused.code) == (422, "bad_input")
    assert "may have 512 tokens; this asks for" in refused.json()["error"]["message"]
    asked_briefly = {**asked, "parameters": SHORT}
    (short,) = {e["cut"] for e in page.lines("/api/ask", asked_briefly) if e["event"] == "answer"}
    assert short is True
    assert session["parameters"]["max_new_tokens"]["max"] == 511  # the model's own context


def test_the_endpoint_tells_until_when_it_is_awake_and_is_kept_longer(page: Browser, accepted: str) -> None:
    now = datetime.now(UTC)
    told = page.get("/api/endpoint")
    assert told["state"] == "awake" and told["run"] == accepted
    base, tuned = told["answerers"]
    assert base["base"]["practice"] and (tuned["run"], tuned["outcome"]) == (accepted, "accepted")
    assert now < datetime.fromisoformat(told["sleeps_at"]) < now + timedelta(minutes=66, hours=3)
    kept = page.post("/api/endpoint/keep", {"hours": 5}).json()
    until = datetime.fromisoformat(kept["kept_until"])
    assert now + timedelta(hours=4.9) < until <= datetime.fromisoformat(kept["sleeps_at"])


def test_month_and_decisions_are_those_of_the_guards(page: Browser, deployed: Deployment) -> None:
    reaper = deployed.output("Guardrails", "IdleReaperName")
    deployed.target.client("lambda").invoke(FunctionName=reaper, Payload=b"{}")
    money = page.get("/api/money")
    assert 0 < money["spent_usd"] <= money["projected_usd"]
    assert money["burn_usd_per_hour"] == 1.515
    assert money["unread"] == []
    (newest, *_) = page.get("/api/decisions")["decisions"]
    assert (newest["endpoint"], newest["action"]) == (deployed.names.endpoint, "keep")
    assert newest["reason"] and newest["since"] <= newest["at"]


def test_a_run_is_shown_with_its_curve_report_and_comparison(page: Browser, accepted: str) -> None:
    run = page.get(f"/api/runs/{accepted}")
    assert (run["status"], run["outcome"], run["can_promote"]) == ("SUCCEEDED", "accepted", True)
    assert [step for step, _ in run["losses"]] == list(range(1, run["steps"] + 1))
    assert run["evaluation"]["tuned"] < run["evaluation"]["base"]
    report = page.send("GET", f"/api/runs/{accepted}/report")
    assert report.headers["Content-Type"].startswith("text/html") and b"<html" in report.body
    assert "sandbox" in report.headers["Content-Security-Policy"]
    style = re.search(rb"<style>(.*?)</style>", report.body, re.DOTALL)
    assert style is not None
    assert digest(style[1].decode()) in page.send("GET", "/").headers["Content-Security-Policy"]
    pair = page.get(f"/api/compare?a={accepted}&b={accepted}")
    assert pair["metrics"][0]["difference"] == 0
    refused = next(run["name"] for run in page.get("/api/runs")["runs"] if run["outcome"] == "rejected")
    assert page.post(f"/api/runs/{refused}/promote", {}).code == "failed"
    assert page.send("GET", "/api/runs/nobody").code == "not_found"


def test_a_file_becomes_a_run_that_can_be_watched_and_stopped(page: Browser, deployed: Deployment) -> None:
    bad = page.send("POST", "/api/datasets", packed(("empty.txt", b"\n\n")))
    assert (bad.status, bad.code) == (422, "bad_input")
    assert "no text" in bad.json()["error"]["problems"][0]
    text = b"\n".join(file.read_bytes() for file in sorted(paths.SAMPLE.glob("*.txt"))[:3])
    good = page.send(
        "POST", "/api/datasets", packed(("My Report.txt", text), ("notes/more.txt", b"Revenue rose."))
    ).json()
    assert good["report"]["documents"] > 0 and good["plan"]["fits"]
    assert good["plan"]["expected_usd"] < good["plan"]["worst_case_usd"]
    epochs = {"hyperparameters": {"epoch": "200"}}
    elsewhere = page.post("/api/runs", {"dataset": "s3://somebody-else/datasets/x/", **epochs})
    assert elsewhere.code == "bad_input"
    started = page.post("/api/runs", {"dataset": good["dataset"], **epochs})
    assert started.status == 201
    run = started.json()["run"]
    live = eventually(lambda: page.get(f"/api/runs/{run}"), lambda told: told["step"] > 1)
    assert live["stage"] == "train" and live["losses"] and live["eta_seconds"] > 0
    assert page.post(f"/api/runs/{run}/stop", {}).json()["stopped"] is True
    ended = eventually(lambda: page.get(f"/api/runs/{run}"), lambda told: told["stage"] == "ended")
    assert ended["status"] == "ABORTED"
    assert not ended["can_promote"]


def test_asleep_is_reported_and_the_next_wake_is_foreseen(page: Browser, accepted: str) -> None:
    assert page.post("/api/endpoint/sleep", {}).status == 202
    asleep = eventually(lambda: page.get("/api/endpoint"), lambda told: told["state"] == "asleep")
    assert asleep["can_wake"] and asleep["wake_seconds_expected"]["from"] == "past wakes"
    asked = page.post("/api/ask", {"prompt": "Revenue", "parameters": SHORT})
    assert (asked.status, asked.code) == (409, "asleep")
    waking = page.post(f"/api/runs/{accepted}/promote", {})
    assert waking.status == 202
    assert waking.json()["state"] == "waking" and waking.json()["wake_began"]
    again = eventually(lambda: page.get("/api/endpoint"), lambda told: told["state"] == "awake")
    assert again["run"] == accepted


def test_the_deployed_page_does_the_same_for_who_has_signed_in(deployed_page: Browser, accepted: str) -> None:
    stranger = Browser(deployed_page.address)
    assert b"<html" in stranger.send("GET", "/").body
    assert stranger.send("GET", "/api/session").status == 401
    assert deployed_page.send("GET", "/api/session", Authorization="Bearer a.b.c").status == 401
    assert deployed_page.get("/api/session")["can"] == {"stream": False, "compare": False}
    events = deployed_page.lines("/api/ask", {"prompt": "Revenue", "parameters": SHORT})
    assert [event["event"] for event in events] == ["answer", "answer", "end"]
    assert deployed_page.get("/api/prompts")["from"].startswith("the held-out text of")
    assert all(each["base"]["practice"] for each in deployed_page.get("/api/endpoint")["answerers"])
    assert deployed_page.get("/api/endpoint")["state"] == "awake"
    assert deployed_page.get("/api/money")["unread"] == []
    assert deployed_page.get("/api/decisions")["decisions"]
    assert deployed_page.get(f"/api/runs/{accepted}")["losses"]
    assert b"<html" in deployed_page.send("GET", f"/api/runs/{accepted}/report").body
    assert deployed_page.post("/api/endpoint/keep", {"hours": 1}).status == 200
    text = b"\n".join(file.read_bytes() for file in sorted(paths.SAMPLE.glob("*.txt"))[:1])
    assert deployed_page.send("POST", "/api/datasets", packed(("note.txt", text))).json()["plan"]["fits"]
    assert deployed_page.post("/api/datasets/example", {}).json()["plan"]["fits"]
    assert deployed_page.get("/api/runs?limit=1")["runs"]
    assert deployed_page.send("GET", f"/api/compare?a={accepted}&b={accepted}").code == "not_here"


def test_the_deployed_page_keeps_each_persons_history(deployed_page: Browser, deployed: Deployment) -> None:
    answers = [{"model": "base", "text": "It rose.", "seconds": 1.0}]
    turn = {"id": "t1", "prompt": "What was revenue?", "answers": answers}
    assert deployed_page.post("/api/threads/first/turns", turn).status == 200
    assert deployed_page.post("/api/threads/first/turns", {**turn, "id": "t2"}).status == 200
    rating = {"model": "base", "thumb": "up", "note": "Right"}
    assert deployed_page.post("/api/threads/first/turns/t1/rating", rating).status == 200
    (found,) = deployed_page.get("/api/threads?search=right")["threads"]
    assert (found["id"], found["turns"]) == ("first", 2)
    own = [{"question": "Revenue?", "answer": "$4 million"}]
    assert deployed_page.post("/api/questions", {"questions": own}).status == 200
    assert deployed_page.post("/api/questions/ask", {"question": own[0]}).status == 200
    bucket = deployed.data_bucket
    listed = deployed.target.client("s3").list_objects_v2(Bucket=bucket, Prefix="history/")["Contents"]
    people = {entry["Key"].split("/")[1] for entry in listed}
    assert len(people) == 1 and re.fullmatch("[0-9a-f-]{36}", people.pop())
    assert deployed_page.post("/api/threads/first/remove", {}).status == 200
    assert deployed_page.get("/api/threads")["threads"] == []


def test_what_was_asked_is_in_no_log(deployed: Deployment, page: Browser, deployed_page: Browser) -> None:
    secret = "canary-of-the-analyst"
    for each in (page, deployed_page):
        assert each.post("/api/ask", {"prompt": secret, "parameters": SHORT}).status == 200
    logs = deployed.target.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    assert f"/aws/lambda/{deployed.names.web}" in groups
    for group in groups:
        assert not logs.filter_log_events(logGroupName=group, filterPattern=f'"{secret}"')["events"], group
