"""Base weights of one's own on their way to S3."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.aws.s3 import S3Address
from finexpert import paths
from finexpert.errors import ExitCode, UserError
from finexpert.service.runs import base_model
from infra.settings import Settings


def deployment(**flags: Any) -> Any:
    """A deployment whose data bucket is `mine`."""
    return SimpleNamespace(settings=Settings.load(flags, {}), data_bucket="mine")


def test_the_shipped_weights_are_whole_and_go_below_the_prefix() -> None:
    base_model.require_usable(paths.BASE_MODEL)
    sent: list[tuple[str, str]] = []
    told: list[tuple[str, int]] = []
    s3 = SimpleNamespace(upload_file=lambda path, bucket, key: sent.append((bucket, key)))
    place = S3Address("mine", "base-model/")
    total = base_model.upload(s3, folder=paths.BASE_MODEL, location=place, progress=lambda *n: told.append(n))
    assert ("mine", "base-model/model.safetensors") in sent
    assert ("mine", "base-model/config.json") in sent
    assert total == sum(count for _, count in told) > 1_000_000
    assert len(told) == len(sent)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("config.json", "there is no config.json"),
        ("model.safetensors", "there is no *.safetensors file"),
        ("tokenizer.json", "there is no tokenizer"),
    ],
)
def test_what_is_missing_is_reported_before_an_upload(tmp_path: Path, broken: Any, said: Any) -> None:
    folder = shutil.copytree(paths.BASE_MODEL, tmp_path / "model")
    (folder / broken).unlink()
    with pytest.raises(UserError) as told:
        base_model.require_usable(folder)
    assert said in told.value.what
    assert told.value.fix
    assert told.value.code is ExitCode.USAGE


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(paths.BASE_MODEL, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "clip"}))
    with pytest.raises(UserError, match="'clip'"):
        base_model.require_usable(folder)


def test_the_setting_says_where_else_the_data_bucket() -> None:
    assert str(base_model.location(deployment())) == "s3://mine/base-model/"
    elsewhere = deployment(base_model_uri="s3://${DataBucket}/llama-13b/")
    assert str(base_model.location(elsewhere)) == "s3://mine/llama-13b/"
    assert str(base_model.location(deployment(base_model_uri="s3://other/x/"))) == "s3://other/x/"


def test_the_flag_that_is_named_is_the_one_that_is_read() -> None:
    name, _, value = base_model.SETTING.partition("=")
    settings = Settings.load({name: value.strip("'")}, {})
    assert not settings.gated
    assert settings.base_model_location("mine") == f"s3://mine/{base_model.PREFIX}"
