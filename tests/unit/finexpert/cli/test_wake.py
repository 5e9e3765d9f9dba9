"""`finexpert wake`: a run's adapter or the base model alone, and what cannot be."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from core.endpoint.hosting import Hosting, HostingState
from core.endpoint.waking import Outcome
from finexpert.cli import main as cli
from finexpert.cli.commands import wake
from finexpert.errors import UserError
from finexpert.service.endpoint import artifacts, switch
from finexpert.service.runs import executions, names
from finexpert.views import answers
from tests.fakes import deployment as fakes


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What CloudFormation was asked to serve."""
    asked: list[str] = []

    def serve(client: Any, stack: str, artifact: str) -> Hosting:
        asked.append(artifact)
        return Hosting(stack=stack, state=HostingState.AWAKE, artifact=artifact)

    def wait(client: Any, stack: str, wanted: HostingState, **how: Any) -> Hosting:
        return Hosting(stack=stack, state=wanted, artifact=asked[-1])

    monkeypatch.setattr(switch, "exists", lambda clients, **names: False)
    monkeypatch.setattr(switch, "_endpoint_is_there", lambda clients, name: False)
    monkeypatch.setattr(switch.hosting, "wake", serve)
    monkeypatch.setattr(switch.hosting, "wait", wait)
    monkeypatch.setattr(switch.waking, "finish", lambda clients, names, **how: Outcome.AWAKE)
    asleep = Hosting(stack="Fe-Hosting", state=HostingState.ASLEEP)
    monkeypatch.setattr(switch, "read", lambda deployment: asleep)
    monkeypatch.setattr(artifacts, "newest", lambda deployment: "s3://b/newest/model.tar.gz")
    monkeypatch.setattr(answers, "introduce", lambda deployment: None)
    monkeypatch.setattr(wake, "open_deployment", lambda context: deployment())
    return asked


def deployment(kind: str = "components") -> Any:
    hosting = {"hosting": kind, "hosting_instance_type": "ml.g5.2xlarge", "idle_minutes": 60}
    return fakes.deployment(local=False, project="Fe", region="us-east-1", **hosting)


def test_the_base_model_alone_needs_no_run(asked: list[str]) -> None:
    done = CliRunner().invoke(cli.app, ["wake", "--base"])
    assert done.exit_code == 0, done.output
    assert asked == ["base"]
    assert "awake, serving the base model alone" in done.output and "bills $1.515 an hour" in done.output
    document = json.loads(CliRunner().invoke(cli.app, ["wake", "--base", "--json"]).stdout)
    assert document == {"endpoint": "fe", "artifact": "base", "usd_per_hour": 1.515}


def test_without_it_the_newest_accepted_adapter_is_served(asked: list[str]) -> None:
    done = CliRunner().invoke(cli.app, ["wake"])
    assert asked == ["s3://b/newest/model.tar.gz"]
    assert "awake, serving s3://b/newest/model.tar.gz" in done.output


def test_a_run_and_the_base_model_alone_exclude_each_other(asked: list[str]) -> None:
    assert CliRunner().invoke(cli.app, ["wake", "run-1", "--base"]).exit_code == 2
    assert asked == []


@pytest.fixture
def rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that the quality gate has refused."""
    evaluation = {"artifact_uri": "s3://b/runs/run-1/output/model.tar.gz", "artifact_version": "v1"}
    output = json.dumps({"outcome": "rejected", "evaluation": evaluation})
    monkeypatch.setattr(executions, "describe", lambda deployment, run: {"output": output})
    monkeypatch.setattr(names, "resolve", lambda deployment, run: run)


@pytest.mark.usefixtures("rejected")
def test_a_refused_run_is_served_only_if_that_is_said(asked: list[str]) -> None:
    refusal = CliRunner().invoke(cli.app, ["wake", "run-1"])
    assert isinstance(refusal.exception, UserError) and "has not accepted run-1" in str(refusal.exception)
    assert "finexpert wake run-1 --refused" in refusal.exception.fix
    assert asked == []
    done = CliRunner().invoke(cli.app, ["wake", "run-1", "--refused"])
    assert done.exit_code == 0, done.output
    assert asked == ["s3://b/runs/run-1/output/model.tar.gz"]


@pytest.mark.parametrize("arguments", [["--refused"], ["--base", "--refused"]])
def test_refused_is_said_of_a_run_that_is_named(asked: list[str], arguments: list[str]) -> None:
    assert CliRunner().invoke(cli.app, ["wake", *arguments]).exit_code == 2
    assert asked == []


def test_merged_hosting_has_no_base_model_to_serve(asked: list[str]) -> None:
    with pytest.raises(UserError, match="merged") as caught:
        switch.wake_base(deployment("merged"), progress=lambda state, seconds: None)
    assert "components" in caught.value.fix
    assert asked == []
