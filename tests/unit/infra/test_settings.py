"""Settings: which place wins, and that every wrong value is reported with its setting and its fix."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from infra.settings import NAMES, READERS, Settings, SettingsError

ROOT = Path(__file__).resolve().parents[3]
DEPLOYABLE = {"alert_email": "me@example.com", "accept_eula": "true"}


def problems(flags: dict[str, object], environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.load({**DEPLOYABLE, **flags}, environ or {})
    return caught.value.problems


def test_the_defaults_are_the_recipe_of_the_product() -> None:
    settings = Settings.load(environ={})
    found = (settings.training_instance_type, settings.budget_usd, settings.prefix)
    assert found == ("ml.g5.2xlarge", 25, "FinExpert")
    assert settings.hyperparameters["lora_r"] == "8"
    assert settings.hyperparameters["target_modules"] == "q_proj,v_proj"
    assert settings.gated


def test_every_setting_has_a_reader_a_default_and_a_line_of_documentation() -> None:
    names = set(READERS)
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert names == {field.name for field in fields(Settings)}
    assert names == set(json.loads((ROOT / "cdk.json").read_text())["context"]["finexpert"])
    assert [name for name in NAMES if f"`{name}`" not in documented] == []


def test_later_places_win(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"budget_usd": 30, "idle_minutes": 10, "poll_seconds": 2}))
    environ = {"FINEXPERT_SETTINGS": str(file), "FINEXPERT_IDLE_MINUTES": "20", "FINEXPERT_POLL_SECONDS": "3"}
    settings = Settings.load({"poll_seconds": "4"}, environ)
    numbers = settings.budget_usd, settings.idle_minutes, settings.poll_seconds, settings.reserve_usd
    assert numbers == (30, 20, 4, 2)


def test_hyperparameters_are_merged_key_by_key_and_become_strings(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"hyperparameters": {"epoch": 2}}))
    given = {"hyperparameters": '{"learning_rate": 0.001}'}
    settings = Settings.load(given, {"FINEXPERT_SETTINGS": str(file)})
    assert settings.hyperparameters["epoch"] == "2"
    assert settings.hyperparameters["learning_rate"] == "0.001"
    assert settings.hyperparameters["lora_r"] == "8"


def test_the_embedded_clouds_settings_can_be_deployed() -> None:
    settings = Settings.load(environ={"FINEXPERT_SETTINGS": str(ROOT / "localcloud" / "settings.json")})
    assert not settings.gated
    assert settings.base_model_location("bucket") == "s3://bucket/base-model/"


def test_gated_weights_lie_in_the_regions_own_bucket() -> None:
    settings = Settings.load({"region": "us-west-2"}, {})
    assert settings.base_model_location("unused").startswith("s3://jumpstart-private-cache-prod-us-west-2/")


@pytest.mark.parametrize(
    ("setting", "value", "fix"),
    [
        ("accept_eula", "perhaps", "write true or false"),
        ("alert_email", "me at example.com", "you@example.com"),
        ("training_instance_type", "ml.g99.huge", "ml.g5.2xlarge"),
        ("hosting_instance_type", "ml.g99.huge", "ml.g5.2xlarge"),
        ("budget_usd", "abc", "number"),
        ("budget_usd", "$25", "no currency sign"),
        ("budget_usd", "-1", "more than 0"),
        ("budget_usd", "0", "more than 0"),
        ("budget_usd", "nan", "number"),
        ("budget_usd", "inf", "number"),
        ("budget_usd", "2.1", "write at least 2.38"),
        ("reserve_usd", "25", "write less than 25"),
        ("reserve_usd", "-2", "at least 0"),
        ("base_model_uri", "s3:/bucket/prefix/", "s3://bucket/prefix/"),
        ("base_model_uri", "s3://bucket/prefix", "closing slash"),
        ("base_model_uri", "https://bucket/prefix/", "s3://bucket/prefix/"),
        ("base_model_uri", "s3://${Databucket}/prefix/", "s3://${DataBucket}/"),
        ("region", "Frankfurt", "us-east-1"),
        ("hosting", "both", "components or merged"),
        ("prefix", "9lives", "starting with a letter"),
        ("prefix", "Fin_Expert", "hyphens"),
        ("prefix", "F" * 31, "write at most 30 characters"),
        ("training_instance_count", "0", "from 1 to 16"),
        ("training_instance_count", "1.5", "whole number"),
        ("idle_minutes", True, "whole number"),
        ("max_deletes", "many", "whole number"),
        ("reaper_scope", "world", "project or account"),
        ("training_image", "my image", "registry/repository:tag"),
        ("hyperparameters", "epoch=3", "JSON object"),
        ("hyperparameters", '{"epoch": ["3"]}', "JSON object"),
    ],
)
def test_a_wrong_value_is_reported_with_setting_value_and_fix(setting: str, value: object, fix: str) -> None:
    told = problems({setting: value})
    about = [problem for problem in told if problem.startswith(f"{setting} ")]
    assert about, told
    assert json.dumps(value) in about[0] or str(value) in about[0]
    assert fix in about[0]


@pytest.mark.parametrize(
    ("hyperparameters", "wrong"),
    [
        ('{"target_modules": "c_attn"}', "c_attn"),
        ('{"learning_rate": "fast"}', "learning_rate"),
        ('{"lora_rank": "8"}', "lora_r"),
    ],
)
def test_hyperparameters_are_checked_as_the_trainer_does(hyperparameters: str, wrong: str) -> None:
    (told,) = problems({"hyperparameters": hyperparameters})
    assert told.startswith("hyperparameters: ")
    assert wrong in told


def test_a_prefix_that_cognito_keeps_for_itself_is_reported_where_the_page_is_wanted() -> None:
    (told,) = problems({"prefix": "MyAwsDesk", "web": "true"})
    assert told.startswith('prefix is "MyAwsDesk"') and "'aws'" in told
    assert Settings.load({"prefix": "MyAwsDesk"}, {}).prefix == "MyAwsDesk"


def test_what_a_deployment_stores_is_read_back_as_it_was() -> None:
    settings = Settings.load({"latch_roles": "a,b", "budget_usd": "40", **DEPLOYABLE}, {})
    stored = json.loads(json.dumps(settings.deployed(alert_email=settings.alert_email)))
    assert Settings.of_deployed(stored) == settings
    with pytest.raises(ValueError, match="budget_usd"):
        Settings.of_deployed({key: value for key, value in stored.items() if key != "budget_usd"})
    with pytest.raises(ValueError, match="regions"):
        Settings.of_deployed({})


def test_all_problems_are_reported_at_once() -> None:
    told = problems({"budget_usd": "x", "region": "nowhere", "alert_email": "me", "base_model_uri": "s3:/x"})
    names = {problem.split(" ")[0] for problem in told}
    assert names == {"budget_usd", "region", "alert_email", "base_model_uri"}


def test_unreadable_weights_are_not_also_called_gated() -> None:
    told = problems({"base_model_uri": "s3:/x", "accept_eula": "false"})
    assert [problem.split(" ")[0] for problem in told] == ["base_model_uri"]


@pytest.mark.parametrize("key", ["alert_mail", "budget_us"])
def test_an_unknown_flag_asks_what_was_meant(key: str) -> None:
    (told,) = problems({key: "x"})
    assert "did you mean" in told


def test_only_variables_that_resemble_a_setting_are_held_for_misspelt() -> None:
    (told,) = problems({}, {"FINEXPERT_BUGDET_USD": "5", "FINEXPERT_STATE_DIR": "/x"})
    assert told.startswith("bugdet_usd ")
    assert "did you mean budget_usd?" in told


def test_a_budget_that_the_reserve_eats_up_is_reported_at_the_reserve() -> None:
    (told,) = problems({"budget_usd": "1"})
    assert told.startswith("reserve_usd is 2: ")
    assert "budget_usd (1)" in told


def test_a_region_without_prices_is_reported_for_training_and_hosting() -> None:
    told = problems({"region": "eu-central-1"})
    assert [problem.split(" ")[0] for problem in told] == ["training_instance_type", "hosting_instance_type"]
    assert all("eu-central-1" in problem and "Regions with prices: eu-west-1" in problem for problem in told)


def test_spot_must_wait_at_least_as_long_as_it_may_run() -> None:
    (told,) = problems({"spot": "true", "max_runtime_minutes": "120", "max_wait_minutes": "60"})
    assert "max_wait_minutes is 60" in told
    assert "(120)" in told
    assert Settings.load({"max_runtime_minutes": "120", "max_wait_minutes": "60"}, {}).max_wait_minutes == 60


def test_a_region_without_components_is_offered_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hosting=merged" in " ".join(problems({"region": "eu-west-3"}))
    assert "hosting=merged" not in " ".join(problems({"region": "eu-west-3", "hosting": "merged"}))


def test_vectors_need_a_region_that_has_them() -> None:
    assert "retrieval=text" in " ".join(problems({"region": "me-central-1", "retrieval": "vectors"}))
    assert "retrieval" not in " ".join(problems({"region": "me-central-1"}))
    assert Settings.load({"retrieval": "vectors"}, {}).vectors and not Settings.load({}, {}).vectors
    assert "text" in " ".join(problems({"retrieval": "words"}))


@pytest.mark.parametrize(
    ("content", "told"), [(None, "No such file"), ("{", "not JSON"), ("[1]", "not an object")]
)
def test_an_unreadable_settings_file_is_reported(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_text(content)
    (problem,) = problems({}, {"FINEXPERT_SETTINGS": str(file)})
    assert str(file) in problem
    assert told in problem


def test_without_deploying_mail_and_licence_may_be_missing() -> None:
    settings = Settings.load({}, {})
    assert (settings.alert_email, settings.accept_eula) == ("", False)


def test_names_fit_the_services_that_they_are_for() -> None:
    names = Settings.load({"prefix": "F" * 30}, {}).names
    assert len(names.bucket("artifacts", "0" * 12)) == 63
    assert len(f"{names.name}-20261123-210133-a1b2-od") <= 63  # a training job's name
    assert names.artifact_parameter == f"/{'f' * 30}/model-artifact"


@pytest.mark.parametrize("given", ["CostCenter=42, Owner=desk", '{"CostCenter": 42, "Owner": "desk"}'])
def test_tags_are_pairs_or_json(given: str) -> None:
    assert Settings.load({"tags": given}, {}).tags == {"CostCenter": "42", "Owner": "desk"}
    assert Settings.load({}, {}).tags == {} == Settings.load({"tags": ""}, {}).tags


@pytest.mark.parametrize(
    ("setting", "value", "fix"),
    [
        ("tags", "CostCenter", "Key=value"),
        ("tags", "aws:x=1", "may not begin with"),
        ("tags", "FinExpert:project=1", "may not begin with"),
        ("tags", "a=" + "x" * 257, "Key=value"),
        ("tags", ",".join(f"k{number}=1" for number in range(41)), "at most 40"),
        ("role_path", "teams/", "/teams/finance/"),
        ("role_path", "/teams", "/teams/finance/"),
        ("permissions_boundary", "arn:aws:iam::1:role/x", "managed policy"),
        ("permissions_boundary", "my policy", "managed policy"),
        ("cdk_qualifier", "Acme", "small letters"),
        ("subnet_ids", "vpc-0a1b2c3d", "subnet-0a1b2c3d"),
        ("security_group_ids", "sg-xyz", "sg-0a1b2c3d"),
        ("latch_roles", "arn:aws:iam::1:role/Admin", "path/name"),
        ("base_model", "llama 2", "meta-textgeneration-llama-2-7b"),
        ("base_model_version", "newest", "4.19.0"),
    ],
)
def test_what_companies_set_is_checked_too(setting: str, value: str, fix: str) -> None:
    told = [problem for problem in problems({setting: value}) if problem.startswith(f"{setting} ")]
    assert len(told) == 1 and fix in told[0]


def test_all_settings_fit_into_the_parameter_that_stores_them() -> None:
    most = ",".join(f"key{number:02}={'x' * 36}" for number in range(39))
    given = Settings.load({"tags": most, "alert_email": f"{'m' * 200}@example.com"}, {})
    assert len(json.dumps(given.deployed(alert_email=given.alert_email))) < 4096 - 300
    told = problems({"tags": ",".join(f"key{number:02}={'x' * 50}" for number in range(39))})
    assert len(told) == 1 and "write at most 2000" in told[0]


def test_a_network_is_subnets_and_security_groups() -> None:
    told = problems({"subnet_ids": "subnet-0a1b2c3d"})
    assert told == (
        "subnet_ids is given without security_group_ids: jobs and endpoint need both; write"
        " security_group_ids too",
    )


def test_settings_of_companies_come_back_from_a_deployment() -> None:
    given = Settings.load(
        {
            "tags": "CostCenter=42",
            "subnet_ids": "subnet-0a1b2c3d,subnet-4e5f6a7b",
            "security_group_ids": "sg-0a1b2c3d",
            "role_path": "/teams/",
        },
        {},
    )
    stored = json.loads(json.dumps(given.deployed(alert_email="")))
    assert Settings.of_deployed(stored) == replace(given, accept_eula=True)
