"""`finexpert snooze` and `finexpert restore`: what they ask of the cloud, and what they refuse."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from core.guard.position import Position
from finexpert.cli import main as cli
from finexpert.cli.commands import reap, restore, snooze
from finexpert.errors import UserError
from finexpert.service.endpoint import reaper
from finexpert.service.money import costs
from tests.fakes.deployment import deployment


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
    for module in (snooze, restore):
        monkeypatch.setattr(module, "open_deployment", lambda context: deployment(client))
    return client


def test_snooze_writes_the_keep_tag_and_withdraws_the_deadline(sagemaker: SageMaker) -> None:
    result = CliRunner().invoke(cli.app, ["snooze", "forgotten", "--hours", "8"])
    assert result.exit_code == 0 and "forgotten stays awake until" in result.output
    (added, keep), (deleted, deadline) = sagemaker.calls
    assert (added, deleted) == ("add", "delete")
    assert keep["Tags"][0]["Key"] == "finexpert:keep" and deadline["TagKeys"] == ["finexpert:delete-after"]


def at(monkeypatch: pytest.MonkeyPatch, spent: float) -> None:
    """The month, when so much is spent and the endpoint runs."""
    position = Position(budget_usd=25, reserve_usd=2, spent_usd=spent, burn_usd_per_hour=1.515)
    monkeypatch.setattr(costs, "current_position", lambda deployment, now: position)
    monkeypatch.setattr(costs, "hosting_usd_per_hour", lambda deployment: 1.515)


def test_snooze_shows_dollars_and_lasts_a_day(sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, spent=2.0)
    printed = CliRunner().invoke(cli.app, ["snooze", "finexpert"]).output
    assert "for $12.12 of $" in printed and "spend guard" not in printed
    document = json.loads(CliRunner().invoke(cli.app, ["snooze", "finexpert", "--json"]).stdout)
    assert document["usd"] == pytest.approx(8 * 1.515)


def test_snooze_is_what_the_budget_bears(sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, spent=20.0)
    document = json.loads(CliRunner().invoke(cli.app, ["snooze", "finexpert", "--json"]).stdout)
    assert 0 < document["usd"] <= 3.0
    longer = CliRunner().invoke(cli.app, ["snooze", "finexpert", "--hours", "24"]).output
    assert "for $36.36 of $" in longer and "The spend guard stops it before that" in longer


def test_snooze_without_money_asks_for_a_time(sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, spent=24.0)
    done = CliRunner().invoke(cli.app, ["snooze", "finexpert"])
    assert isinstance(done.exception, UserError) and "--hours 1" in done.exception.fix
    assert not sagemaker.calls


def test_snooze_needs_some_time(sagemaker: SageMaker) -> None:
    assert CliRunner().invoke(cli.app, ["snooze", "forgotten", "--hours", "0"]).exit_code == 2
    assert not sagemaker.calls


def test_the_app_s_own_endpoint_is_woken_instead(sagemaker: SageMaker) -> None:
    result = CliRunner().invoke(cli.app, ["restore", "finexpert"])
    assert isinstance(result.exception, UserError) and result.exception.fix == "finexpert wake"


def test_reap_shows_endpoints_other_kinds_and_what_was_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
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
