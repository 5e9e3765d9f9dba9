"""`finexpert config`: which place a setting comes from."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from finexpert.cli.commands import config
from finexpert.service import deployment as deployments
from finexpert.service.deployment import Deployment
from finexpert.service.target import Target
from finexpert.views.display import written
from infra.settings import Settings, origins


def test_the_strongest_place_wins_and_each_hyperparameter_has_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"spot": True, "budget_usd": 30, "hyperparameters": {"epoch": "2"}}))
    environ = {"FINEXPERT_SETTINGS": str(file), "FINEXPERT_BUDGET_USD": "35", "FINEXPERT_IDLE_MINUTES": "9"}
    flags = {"idle_minutes": "8", "hyperparameters": '{"seed": "4"}'}
    places = origins(flags, environ)
    assert places["prefix"] == places["hyperparameters.lora_r"] == "cdk.json"
    assert places["spot"] == places["hyperparameters.epoch"] == str(file)
    assert places["budget_usd"] == "FINEXPERT_BUDGET_USD"
    assert places["idle_minutes"] == places["hyperparameters.seed"] == "command line"
    settings = Settings.load(flags, environ)
    assert (settings.spot, settings.budget_usd, settings.idle_minutes) == (True, 35, 8)


def test_every_setting_has_a_row() -> None:
    shown = config.rows(Target(None, {}))
    inner = {f"hyperparameters.{name}" for name in Settings.load({}, {}).hyperparameters}
    assert shown.keys() == ({*Settings.__dataclass_fields__} - {"hyperparameters"}) | inner
    assert set(place for _, place in shown.values()) == {"cdk.json"}


def test_settings_are_chosen_by_name_and_a_group_by_its_own() -> None:
    shown = config.rows(Target(None, {}))
    assert list(config.chosen(shown, ["spot", "region"])) == ["region", "spot"]
    assert all(name.startswith("hyperparameters.") for name in config.chosen(shown, ["hyperparameters"]))
    assert list(config.chosen(shown, ["hyperparameters.seed"])) == ["hyperparameters.seed"]
    with pytest.raises(typer.BadParameter, match="spots"):
        config.chosen(shown, ["spots"])


def test_what_a_deployment_found_out_is_shown_beside_what_is_written_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local = Settings.load({}, {})
    found = replace(local, base_model_uri="s3://hub/weights/", budget_usd=40)
    here = Target(None, {"AWS_REGION": "us-east-1"})
    monkeypatch.setattr(config, "chosen_target", lambda context: here)
    monkeypatch.setattr(deployments, "find", lambda target: Deployment(here, found, local, stored=found))
    context: Any = None
    config.config(context, names=["base_model_uri", "budget_usd", "prefix"], json=False)
    rows = {line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert rows["base_model_uri"] == "s3://hub/weights/" and rows["budget_usd"] == "40"
    assert rows["prefix"] == "same"


def test_values_are_shown_as_they_would_be_written() -> None:
    values = (True, 25.0, 2.5, ("us-east-1", "eu-west-1"), "", 3)
    assert [written(value) for value in values] == ["true", "25", "2.5", "us-east-1,eu-west-1", '""', "3"]
