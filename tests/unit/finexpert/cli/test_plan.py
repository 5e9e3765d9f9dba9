"""`finexpert plan PATH`: the tokens are those of the data, counted as `data check` counts them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from finexpert.cli import main as cli
from finexpert.cli.commands import plan as command
from finexpert.paths import SAMPLE
from finexpert.service.money import plan
from finexpert.service.runs import datasets
from infra.settings import Settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The tokens that were planned with."""
    asked: list[float] = []

    def planned(deployment: Any, *, training_tokens: float, now: Any) -> plan.Plan:
        asked.append(training_tokens)
        return plan.Plan(
            admission=None,
            refusal="no",
            worst_case_usd=3.0,
            cheaper=[],
            available_usd=22.0,
            price="$1",
            price_age_days=1,
        )

    settings = Settings.load({"accept_eula": "true", "alert_email": "you@example.com"}, {})
    there = SimpleNamespace(target=SimpleNamespace(is_local=True), settings=settings)
    monkeypatch.setattr(command, "open_deployment", lambda context: there)
    monkeypatch.setattr(plan, "plan", planned)
    return asked


def test_the_datas_own_tokens_are_planned_with(asked: list[float]) -> None:
    done = CliRunner().invoke(cli.app, ["plan", str(SAMPLE), "--json"])
    settings = Settings.load({}, {})
    target: Any = SimpleNamespace(is_local=True)
    report = datasets.check(SAMPLE, settings.hyperparameters, counter=datasets.counter_for(target))
    assert asked == [max(report.trained_tokens)] and asked[0] > 0
    document = json.loads(done.stdout)
    assert document["training_tokens"] == asked[0] and "minutes" in document["expected"]


def test_a_path_and_tokens_exclude_each_other(asked: list[float]) -> None:
    assert CliRunner().invoke(cli.app, ["plan", str(SAMPLE), "--tokens", "5"]).exit_code == 2
    assert asked == []


def test_data_that_cannot_be_used_is_not_planned(asked: list[float], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    assert CliRunner().invoke(cli.app, ["plan", str(tmp_path)]).exit_code == 1
    assert asked == []
