"""`finexpert snooze` and `finexpert restore`: what they ask of the cloud, and what they refuse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from finexpert.cli import main as cli
from finexpert.cli.commands import reap, restore, snooze
from finexpert.errors import UserError
from finexpert.service.endpoint import reaper


class SageMaker:
    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def describe_endpoint(self, **request: Any) -> dict[str, Any]:
        return {"EndpointArn": "arn:e"}

    def add_tags(self, **request: Any) -> None:
        self.calls.append(("add", request))

    def delete_tags(self, **request: Any) -> None:
        self.calls.append(("delete", request))


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    client = SageMaker()
    deployment = SimpleNamespace(
        target=SimpleNamespace(client=lambda service: client), names=SimpleNamespace(endpoint="finexpert")
    )
    for module in (snooze, restore):
        monkeypatch.setattr(module, "open_deployment", lambda context: deployment)
    return client


def test_snooze_writes_the_keep_tag_and_withdraws_the_deadline(sagemaker: SageMaker) -> None:
    result = CliRunner().invoke(cli.app, ["snooze", "forgotten", "--hours", "8"])
    assert result.exit_code == 0 and "forgotten stays awake until" in result.output
    (added, keep), (deleted, deadline) = sagemaker.calls
    assert (added, deleted) == ("add", "delete")
    assert keep["Tags"][0]["Key"] == "finexpert:keep" and deadline["TagKeys"] == ["finexpert:delete-after"]


def test_snooze_needs_some_time(sagemaker: SageMaker) -> None:
    assert CliRunner().invoke(cli.app, ["snooze", "forgotten", "--hours", "0"]).exit_code == 2
    assert not sagemaker.calls


def test_the_app_s_own_endpoint_is_woken_instead(sagemaker: SageMaker) -> None:
    result = CliRunner().invoke(cli.app, ["restore", "finexpert"])
    assert isinstance(result.exception, UserError) and result.exception.fix == "finexpert wake"


def test_reap_shows_endpoints_other_kinds_and_what_could_not_be_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def decision(**more: str) -> dict[str, Any]:
        return {"action": "notify", "reason": "it runs [longer] than it may", "evidence": {}, **more}

    answer = {
        "decisions": [decision(endpoint="finexpert")],
        "others": {"decisions": [decision(kind="notebook", name="nb-1")], "unlisted": {"app": "[denied]"}},
        "api_calls": 7,
        "complete": True,
    }
    monkeypatch.setattr(reap, "open_deployment", lambda context: None)
    monkeypatch.setattr(reaper, "dry_run", lambda deployment: answer)
    shown = CliRunner().invoke(cli.app, ["reap", "--dry-run"]).output
    assert "finexpert" in shown and "nb-1" in shown and "[longer]" in shown
    assert "app could not be listed: [denied]" in shown and "7 API calls" in shown
