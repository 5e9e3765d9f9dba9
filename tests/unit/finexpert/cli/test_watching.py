"""An error while a run is watched is not an error of the run; the same data is not paid for twice unseen."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, SSOTokenLoadError
from typer.testing import CliRunner

from finexpert.cli import main as cli
from finexpert.cli.commands import train
from finexpert.errors import UserError
from finexpert.service.money import costs
from finexpert.service.runs import executions, follow
from finexpert.views import run as run_view
from tests.fakes.deployment import deployment

RUN = "finexpert-20261129-151626-2093"
NOW = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "DescribeExecution")


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (refused("ExpiredTokenException"), "aws sso login"),
        (refused("ThrottlingException"), "half a minute"),
        (refused("InternalFailure"), "Watch again"),
        (SSOTokenLoadError(error_msg="Token for my does not exist"), "aws sso login"),
        (EndpointConnectionError(endpoint_url="https://x"), "network"),
        (ConnectionResetError(104, "reset by peer"), "Watch again"),
    ],
)
def test_an_error_leads_back_to_a_run(monkeypatch: pytest.MonkeyPatch, error: Exception, first: str) -> None:
    def looks(*_: Any, **__: Any) -> Any:
        yield follow.Snapshot(RUN, "RUNNING", "WaitForTraining")
        raise error

    monkeypatch.setattr(follow, "snapshots", looks)
    monkeypatch.setattr(costs, "training_usd_per_hour", lambda deployment: 1.5, raising=False)
    with pytest.raises(UserError) as caught:
        run_view.watch(deployment(local=False), RUN)
    left = caught.value
    assert "the run goes on" in left.what and left.where == RUN
    assert first in left.fix and f"--attach {RUN}" in left.fix and f"--stop {RUN}" in left.fix
    assert "repeat the command" not in left.fix


def test_a_defect_while_watching_is_no_error_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks(*_: Any, **__: Any) -> Any:
        raise KeyError("x")
        yield

    monkeypatch.setattr(follow, "snapshots", looks)
    with pytest.raises(KeyError):
        run_view.watch(deployment(local=False), RUN)


class StepFunctions:
    """Has run the same data at some time, with some end."""

    def __init__(self, status: str, age: timedelta, given: Mapping[str, Any]) -> None:
        self.entry = {"name": RUN, "status": status, "startDate": NOW - age}
        self.given = given

    def list_executions(self, **_: Any) -> Any:
        return {"executions": [self.entry]}


DATA = {"dataset": "s3://b/datasets/x/", "hyperparameters": {"epoch": "3"}, "wake": False}


def check(monkeypatch: pytest.MonkeyPatch, status: str, age: timedelta, given: Mapping[str, Any]) -> None:
    states = StepFunctions(status, age, given)
    monkeypatch.setattr(executions, "describe", lambda deployment, run: {"input": json.dumps(states.given)})
    there = deployment(states, output="arn")
    executions.require_new(there, dataset="s3://b/datasets/x/", hyperparameters={"epoch": "3"}, now=NOW)


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED"])
def test_the_same_data_within_the_hour_is_asked_about(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    with pytest.raises(executions.Repeated, match=RUN) as caught:
        check(monkeypatch, status, timedelta(minutes=59), DATA)
    assert f"--attach {RUN}" in caught.value.fix and "--again" in caught.value.fix


@pytest.mark.parametrize(
    ("status", "age", "changed"),
    [
        ("RUNNING", timedelta(minutes=61), {}),
        ("FAILED", timedelta(minutes=5), {}),
        ("ABORTED", timedelta(minutes=5), {}),
        ("SUCCEEDED", timedelta(minutes=5), {"dataset": "s3://b/datasets/y/"}),
        ("SUCCEEDED", timedelta(minutes=5), {"hyperparameters": {}}),
    ],
)
def test_another_run_is_simply_started(
    monkeypatch: pytest.MonkeyPatch, status: str, age: timedelta, changed: Mapping[str, Any]
) -> None:
    check(monkeypatch, status, age, {**DATA, **changed})


@pytest.mark.parametrize(
    ("answer", "terminal", "starts"), [("y\n", True, 2), ("n\n", True, 1), ("y\n", False, 1)]
)
def test_a_second_run_on_the_same_data_needs_a_yes(
    monkeypatch: pytest.MonkeyPatch, answer: str, terminal: bool, starts: int
) -> None:
    tried: list[bool] = []

    def start(
        deployment: Any, data: str, overrides: Any, *, wake: bool, again: bool, title: str, unjudged: bool
    ) -> str:
        tried.append(again)
        if not again:
            raise executions.Repeated("A run on the same data still runs: r.", fix="--again")
        return RUN

    monkeypatch.setattr(run_view, "start", start)
    monkeypatch.setattr(run_view, "watch", lambda deployment, run: follow.Snapshot(run, "SUCCEEDED"))
    monkeypatch.setattr(train, "report", lambda deployment, snapshot, json: None)
    monkeypatch.setattr(train, "open_deployment", lambda context: None)
    monkeypatch.setattr(train, "_is_terminal", lambda: terminal)
    done = CliRunner().invoke(cli.app, ["train", "s3://b/x/"], input=answer)
    assert len(tried) == starts and (done.exit_code == 0) == (starts == 2)
