"""The reaper's settings: when it only tells, and where it looks."""

from __future__ import annotations

import pytest

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


def test_what_is_no_region_or_switch_is_told() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({"reaper_regions": "Europe", "reaper_dry_run": "maybe"}, {})
    assert "reaper_regions" in str(caught.value) and "auto, true or false" in str(caught.value)
