"""The command line against the awake app, after test_app_runs has made a model."""

from typing import Any

import pytest

from core.endpoint.hosting import HostingState
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import switch

pytestmark = pytest.mark.app


@pytest.fixture(scope="module", autouse=True)
def model(deployed: Deployment) -> None:
    """An accepted adapter; test_app_runs makes one."""
    if not switch.read(deployed).artifact:
        switch.wake(deployed, None, progress=lambda state, seconds: None)


def test_runs_are_listed_newest_first_and_shown(answer: Any) -> None:
    listed = answer("runs", "list")
    assert [run["started"] for run in listed] == sorted((run["started"] for run in listed), reverse=True)
    accepted = next(run for run in listed if run["outcome"] == "accepted")
    shown = answer("runs", "show", accepted["name"])
    assert shown["status"] == "SUCCEEDED"
    assert shown["evaluation"]["passed"] is True
    assert shown["usd"] > 0


def test_each_command_says_first_on_which_cloud_it_acts(deployed: Any, finexpert: Any) -> None:
    done = finexpert("runs", "list")
    assert done.stderr.splitlines() == [f"on the embedded cloud {deployed.target.endpoint_url}"]


def test_asking_shows_both_models_side_by_side(answer: Any, finexpert: Any) -> None:
    answers = answer("ask", "The results are encouraging for aggressive investors", "--max-new-tokens", "8")
    assert [entry["model"] for entry in answers] == ["base", "tuned"]
    assert all(entry["text"] for entry in answers)
    shown = finexpert("ask", "The results for the short", "--max-new-tokens", "8").stdout
    assert "base (" in shown
    assert "tuned (" in shown


def test_costs_count_the_jobs_and_the_endpoint(answer: Any, deployed: Any) -> None:
    spend = answer("costs")
    assert spend["total_usd"] > 0
    assert spend["burn_usd_per_hour"] == pytest.approx(1.515)
    assert spend["unread"] == []
    assert {line["kind"] for line in spend["lines"]} == {"training", "endpoint"}


def test_the_deployed_reaper_keeps_a_young_endpoint_and_says_why(answer: Any, deployed: Any) -> None:
    told = answer("reap", "--dry-run")
    (decision,) = told["decisions"]
    assert decision["endpoint"] == deployed.names.endpoint
    assert decision["action"] == "keep"
    assert decision["reason"]
    assert told["complete"] is True


def test_sleep_removes_the_endpoint_and_wake_brings_it_back(deployed: Any, finexpert: Any) -> None:
    sagemaker = deployed.target.client("sagemaker")
    assert finexpert("sleep").returncode == 0
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_inference_components()["InferenceComponents"] == []
    refused = finexpert("ask", "anything")
    assert refused.returncode == 1
    assert "finexpert wake" in refused.stderr
    assert finexpert("wake").returncode == 0
    assert switch.read(deployed).state is HostingState.AWAKE
    assert finexpert("ask", "Revenue", "--max-new-tokens", "4").returncode == 0


def test_a_bad_hyperparameter_is_refused_before_anything_starts(finexpert: Any, sample: Any) -> None:
    done = finexpert("train", str(sample), "-p", "epoch=many")
    assert done.returncode == 2
    assert "epoch" in done.stderr
