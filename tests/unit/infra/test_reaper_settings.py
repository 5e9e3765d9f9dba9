"""The reaper's settings: when it only tells, and where it looks."""

from datetime import timedelta

import pytest

from core.reaper.settings import ReaperSettings
from infra.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("scope", "dry_run", "only_tells"),
    [
        ("project", "auto", False),
        ("account", "auto", True),
        ("account", "false", False),
        ("account", False, False),
        ("project", True, True),
    ],
)
def test_a_whole_account_starts_with_telling_only(scope: str, dry_run: object, only_tells: bool) -> None:
    settings = Settings.load({"reaper_scope": scope, "reaper_dry_run": dry_run}, {})
    assert settings.reaper_only_tells is only_tells


def test_regions_are_a_list_and_none_by_default() -> None:
    assert Settings.load({}, {}).reaper_regions == ()
    given = Settings.load({"reaper_regions": "eu-west-1, us-east-1,eu-west-1"}, {})
    assert given.reaper_regions == ("eu-west-1", "us-east-1")


def test_what_is_no_region_or_switch_is_reported() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({"reaper_regions": "Europe", "reaper_dry_run": "maybe"}, {})
    assert "reaper_regions" in str(caught.value) and "auto, true or false" in str(caught.value)


def test_what_the_function_reads_is_what_the_deployment_writes() -> None:
    """Every field survives; so foresight, which asks the settings, judges as the deployed function does."""
    flags = {"idle_minutes": "7", "warn_minutes": "9", "reaper_scope": "account", "reaper_dry_run": "false"}
    written = Settings.load(flags | {"reaper_regions": "eu-west-1,us-west-2", "prefix": "Acme"}, {}).reaper(
        topic_arn="arn:aws:sns:us-east-1:1:t", audit_bucket="b"
    )
    environ = {"PROJECT": "Acme", "AWS_REGION": "us-east-1", **written.environment()}
    assert ReaperSettings.load(environ, {}) == written
    assert written.idle == timedelta(minutes=7)


def test_the_function_works_with_the_variables_of_its_contract_alone() -> None:
    assert ReaperSettings.load({"IDLE_MINUTES": "60", "MIN_AGE_MINUTES": "60"}, {}) == ReaperSettings()
