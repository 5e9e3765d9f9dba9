"""A walk through the commands, as a newcomer would take it, with the model that test_app_runs made."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finexpert import paths

pytestmark = [pytest.mark.app, pytest.mark.usefixtures("awake")]


def test_the_doctor_finds_the_deployed_app_ready(finexpert: Any) -> None:
    done = finexpert("doctor", "--json")
    found = {name: finding["verdict"] for name, finding in json.loads(done.stdout).items()}
    ready = ("credentials", "region", "licence", "weights", "GPU memory", "prices", "budget", "app", "tools")
    not_here = ("instance quotas", "billing alerts")
    assert {name: found[name] for name in (*ready, *not_here)} == dict.fromkeys((*ready, *not_here), "good")
    assert done.returncode == (4 if "bad" in found.values() else 0)


def test_a_flag_changes_what_the_doctor_checks(finexpert: Any) -> None:
    done = finexpert("doctor", "--json", "-c", "budget_usd=5", "-c", "max_runtime_minutes=600")
    assert json.loads(done.stdout)["budget"]["verdict"] == "bad"
    assert done.returncode == 4


def test_the_first_hours_check_answers_and_spends_nothing_unasked(finexpert: Any, deployed: Any) -> None:
    done = finexpert("doctor", "--first-hour", "--json", timeout=240)
    assert done.returncode in (0, 4), done.stderr
    answers = {entry["name"]: entry for entry in json.loads(done.stdout)["answers"]}
    good = {name for name, entry in answers.items() if entry["verdict"] == "good"}
    assert good >= {"identity", "definition", "stacks", "Lambda runtime", "log groups", "weights mounted"}
    assert good >= {"training container", "training device", "model card", "endpoint's tags", "components"}
    assert "Left out" not in done.stderr, "run and endpoint are there"
    assert "not put to sleep by this check" in answers["time to stop"]["seen"]
    assert "000000000000" not in done.stdout
    for name in ("first-hour.json", "first-hour.md"):
        (paths.OUT / name).unlink()
    state = deployed.target.client("sagemaker").describe_endpoint(EndpointName=deployed.names.endpoint)
    assert state["EndpointStatus"] == "InService"


def test_settings_tell_where_they_come_from(answer: Any, deployed: Any) -> None:
    told = answer("config", "idle_minutes", "hyperparameters.learning_rate", "-c", "spot=true", "spot")
    assert {name: entry["from"] for name, entry in told.items()} == {
        "spot": "command line",
        "idle_minutes": "FINEXPERT_IDLE_MINUTES",
        "hyperparameters.learning_rate": str(Path("localcloud") / "settings.json"),
    }


def test_a_run_is_shown_in_its_log_and_its_answers(answer: Any, finexpert: Any, run: Any) -> None:
    lines = answer("runs", "log", run)["lines"]
    phases = [event["phase"] for event in map(json.loads, lines) if event["event"] == "phase"]
    assert phases[-1] == "done"
    compared = answer("compare", run)
    assert len(compared["answers"]) == 4
    assert compared["passed"] is True
    assert "base" in finexpert("compare", run).stdout
    unknown = finexpert("runs", "log", "nobody", "--json")
    assert unknown.returncode == 1
    assert json.loads(unknown.stdout)["error"]["what"] == "There is no run nobody."


def test_an_ended_run_may_be_attached_and_stopped_without_harm(answer: Any, run: Any) -> None:
    assert answer("train", "--attach", run)["outcome"] == "accepted"
    assert answer("train", "--stop", run) == {"run": run, "stopped": False}


def test_a_conversation_in_a_pipe(deployed: Any) -> None:
    said = "The results\n/tuned\nand then\n/quit\nnever said\n"
    done = subprocess.run(
        [sys.executable, "-m", "finexpert", "chat", "--max-new-tokens", "6", "--json"],
        env=dict(deployed.target.environment),
        input=said,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert first["answers"].keys() == {"base", "tuned"}
    assert second["answers"].keys() == {"tuned"}
    assert [first["said"], second["said"]] == ["The results", "and then"]


def test_what_is_there_is_found_and_other_regions_are_empty(finexpert: Any) -> None:
    done = finexpert("leftovers", "--region", "us-east-1", "--region", "eu-west-1", "--json")
    assert done.returncode == 4
    found = json.loads(done.stdout)
    names = {entry["name"] for entry in found["found"]}
    assert {"finexpert", "finexpert-base", "finexpert-tuned", "finexpert-idle-reaper"} <= names
    assert {entry["region"] for entry in found["found"]} == {"all regions", "us-east-1"}
    assert found["unread"] == []
    assert finexpert("leftovers", "--region", "eu-west-1").returncode == 4  # the buckets are of all regions


def test_snoozing_writes_the_tag_that_the_reaper_goes_by(answer: Any, deployed: Any) -> None:
    name, sagemaker = deployed.names.endpoint, deployed.target.client("sagemaker")
    until = answer("snooze", name, "--hours", "3")["kept_until"]
    arn = sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"]
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags["finexpert:keep"].rstrip("Z") == until[:16]


def test_a_terminal_shows_answers_as_they_come_a_pipe_no_control_codes(deployed: Any, finexpert: Any) -> None:
    arguments = ["ask", "The results", "--max-new-tokens", "6"]
    assert "\x1b" not in (piped := finexpert(*arguments)).stdout + piped.stderr
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "finexpert", *arguments],
        env={**deployed.target.environment, "TERM": "xterm"},
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(main, 65536)
            except OSError:  # Linux tells the end so
                break
        os.close(main)
    assert process.returncode == 0
    assert b"\x1b[" in shown
    assert "tuned (" in shown.decode()


def test_a_cloud_that_is_gone_is_reported_without_a_trace(finexpert: Any, deployed: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "finexpert", "runs", "--json"],
        env={**deployed.target.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "127.0.0.1:9" in json.loads(done.stdout)["error"]["what"]
