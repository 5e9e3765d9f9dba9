"""Which cloud a command acts on."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from finexpert import paths
from finexpert.errors import ExitCode, UserError
from finexpert.service import target
from finexpert.service.target import On, Target, resolve

URL = "http://127.0.0.1:4566"


def one_runs() -> Any:
    def environ(base: dict[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in base.items() if not key.startswith("AWS_")}
        return kept | {"AWS_ENDPOINT_URL": URL, "AWS_ACCESS_KEY_ID": "000000000000"}

    return SimpleNamespace(endpoint_url=URL, environ=environ)


def nothing_runs() -> Any:
    return None


def test_an_endpoint_url_is_the_embedded_cloud_whatever_runs_here() -> None:
    chosen = resolve(On.AUTO, {"AWS_ENDPOINT_URL": URL}, nothing_runs)
    assert chosen.endpoint_url == URL
    assert chosen.describe() == f"on the embedded cloud {URL}"
    assert chosen.environment["FINEXPERT_SETTINGS"] == str(paths.LOCAL_SETTINGS)


@pytest.mark.parametrize(
    ("on", "running", "url"),
    [(On.AUTO, one_runs, URL), (On.AUTO, nothing_runs, None), (On.AWS, one_runs, None)],
)
def test_auto_takes_the_cloud_that_runs_here_and_aws_by_name_does_not(on: On, running: Any, url: Any) -> None:
    chosen = resolve(on, {"AWS_PROFILE": "me"}, running)
    assert (chosen.endpoint_url, "FINEXPERT_SETTINGS" in chosen.environment) == (url, url is not None)


def test_aws_by_name_refuses_an_endpoint_url_that_would_catch_the_calls() -> None:
    with pytest.raises(UserError) as refused:
        resolve(On.AWS, {"AWS_ENDPOINT_URL": URL}, nothing_runs)
    assert refused.value.code is ExitCode.USAGE
    assert "AWS_ENDPOINT_URL" in refused.value.fix


def test_local_by_name_needs_a_cloud() -> None:
    with pytest.raises(UserError, match="No embedded cloud") as refused:
        resolve(On.LOCAL, {}, nothing_runs)
    assert "finexpert local up" in refused.value.fix


def test_the_clouds_own_environment_replaces_a_persons_credentials() -> None:
    chosen = resolve(On.AUTO, {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_PROFILE": "me", "HOME": "/h"}, one_runs)
    assert chosen.environment["AWS_ACCESS_KEY_ID"] == "000000000000"
    assert "AWS_PROFILE" not in chosen.environment
    assert chosen.environment["HOME"] == "/h"


def test_another_settings_file_stays() -> None:
    chosen = resolve(On.AUTO, {"FINEXPERT_SETTINGS": "/mine.json"}, one_runs)
    assert chosen.environment["FINEXPERT_SETTINGS"] == "/mine.json"


def test_an_endpoint_url_of_another_cloud_is_not_mixed_up_with_the_one_here() -> None:
    chosen = resolve(On.AUTO, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, one_runs)
    assert chosen.endpoint_url == "http://127.0.0.1:9"
    assert chosen.environment["AWS_ACCESS_KEY_ID"] == "test"


def test_an_unknown_profile_does_not_disturb_the_embedded_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    local = Target(URL, {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"})
    assert local.client("s3").meta.endpoint_url == URL
    assert local.client("s3") is local.client("s3")


def test_without_a_state_folder_nothing_is_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "LOCAL_STATE", tmp_path / "none")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert not target.from_environment(On.AUTO).is_local


CONFIG = """
[profile people]
sso_session = company
sso_account_id = 111122223333
sso_role_name = PowerUser
region = eu-west-1
[sso-session company]
sso_region = eu-west-1
sso_start_url = https://company.awsapps.com/start
[profile deployer]
role_arn = arn:aws:iam::111122223333:role/teams/finance/Deployer
source_profile = keys
[profile keys]
aws_access_key_id = AKIAKEYS
aws_secret_access_key = secret
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS configuration, and other credentials in the environment."""
    file = tmp_path / "config"
    file.write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    monkeypatch.setattr(paths, "LOCAL_STATE", tmp_path / "none")


@pytest.mark.parametrize(
    ("profile", "method"),
    [("people", "sso"), ("deployer", "assume-role"), ("keys", "shared-credentials-file")],
)
def test_a_profile_by_name_wins_over_other_credentials(configured: None, profile: str, method: str) -> None:
    chosen = target.from_environment(On.AUTO, {}, profile)
    assert not chosen.is_local
    credentials = chosen.session().get_credentials()
    assert credentials is not None and credentials.method in (method, "config-file")


@pytest.mark.parametrize("profile", ["people", "deployer"])
def test_a_profile_of_the_environment_is_used_where_there_are_no_keys(
    configured: None, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_PROFILE", profile)
    credentials = target.from_environment(On.AUTO).session().get_credentials()
    assert credentials is not None and credentials.method in ("sso", "assume-role")


def test_a_profile_means_aws_beside_a_local_cloud(configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", URL)
    with pytest.raises(UserError, match="AWS clients would go there"):
        target.from_environment(On.AUTO, {}, "people")
    assert target.from_environment(On.LOCAL, {}, "people").is_local


def test_clients_believe_the_clouds_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    local = Target("https://127.0.0.1:1", {**keys, "AWS_CA_BUNDLE": str(tmp_path / "cloud.pem")})
    session = local.client("sts")._endpoint.http_session  # botocore says it nowhere else
    assert session._verify == str(tmp_path / "cloud.pem")
