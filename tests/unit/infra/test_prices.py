"""Prices: each with a source and a day, none ever zero, an unknown one blocks."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.instances import CAPACITIES, suits_the_recipe
from core.money import prices
from infra.setting_checks import COMPONENT_REGIONS
from infra.settings import Settings, SettingsError

DOCUMENT = json.loads(prices.PRICES_FILE.read_text(encoding="utf-8"))


def test_the_recipes_instance_is_priced_where_the_app_starts() -> None:
    price = prices.hourly("ml.g5.2xlarge", "us-east-1", "training")
    assert (price.usd, price.unit, price.date) == (1.515, "USD/hour", date(2026, 8, 20))
    assert "Price List" in price.source
    assert "$1.515 per hour" in str(price)


def test_every_entry_has_source_day_unit_and_a_price_of_its_own() -> None:
    table = prices.parse(DOCUMENT)
    assert len(table) == len(DOCUMENT["prices"]) > 50
    assert {price.unit for price in table.values()} == {"USD/hour", "USD/GB-month"}
    assert all(price.source and price.date >= date(2023, 1, 1) for price in table.values())
    assert set(DOCUMENT["sources"]) == {entry["source"] for entry in DOCUMENT["prices"]}


@pytest.mark.parametrize(
    ("instance_type", "region", "names"),
    [("ml.g99.huge", "us-east-1", "ml.g5.2xlarge"), ("ml.g5.2xlarge", "ap-south-1", "us-east-1")],
)
def test_an_unknown_price_is_refused_and_names_others(instance_type: str, region: str, names: str) -> None:
    with pytest.raises(prices.UnknownPrice, match=names):
        prices.hourly(instance_type, region, "training")


def test_a_price_of_one_component_does_not_stand_for_another() -> None:
    assert prices.hourly("ml.g4dn.xlarge", "us-east-1", "training").usd == 0.7364
    with pytest.raises(prices.UnknownPrice, match=r"hosting on ml\.g4dn\.xlarge"):
        prices.hourly("ml.g4dn.xlarge", "us-east-1", "hosting")


def test_storage_of_an_unlisted_region_counts_at_the_dearest_known() -> None:
    assert prices.storage("ml-volume", "us-east-1").usd == 0.14
    elsewhere = prices.storage("ml-volume", "ap-south-1")
    assert (elsewhere.usd, elsewhere.region) == (0.154, "ap-south-1")
    assert "eu-west-1" in elsewhere.source


def test_a_volume_costs_its_share_of_the_month() -> None:
    alone = prices.training_usd_per_hour("ml.m5.large", 0, "us-east-1")
    with_volume = prices.training_usd_per_hour("ml.m5.large", 100, "us-east-1")
    assert with_volume - alone == pytest.approx(100 * 0.14 / 730)


def test_a_type_with_disks_of_its_own_is_billed_no_volume() -> None:
    assert prices.training_usd_per_hour("ml.g5.2xlarge", 100, "us-east-1") == 1.515


def test_the_age_of_a_price_is_in_days_and_never_negative() -> None:
    price = prices.hourly("ml.g5.2xlarge", "us-east-1", "training")
    assert price.age_days(datetime(2026, 8, 30, tzinfo=UTC)) == 10
    assert price.age_days(datetime(2026, 1, 1, tzinfo=UTC)) == 0


def _with(**changes: object) -> dict[str, object]:
    return {"sources": {"s": "somewhere"}, "prices": [{**GOOD, **changes}]}


GOOD = {
    "component": "training",
    "region": "us-east-1",
    "type": "ml.x",
    "unit": "USD/hour",
    "price": 1.0,
    "source": "s",
    "date": "2026-01-01",
}


@pytest.mark.parametrize(
    "torn",
    [
        {},
        {"prices": [{}], "sources": {}},
        _with(price=0),
        _with(price=-1),
        _with(price="free"),
        _with(price=float("nan")),
        _with(source="unlisted"),
        _with(date="yesterday"),
        {**_with(), "prices": [GOOD, GOOD]},
    ],
)
def test_a_torn_file_prices_nothing(torn: dict[str, object]) -> None:
    with pytest.raises(prices.UnknownPrice, match="cannot be trusted"):
        prices.parse(torn)


def test_the_sample_of_the_torn_cases_is_itself_good() -> None:
    assert prices.parse(_with())["training", "us-east-1", "ml.x"].usd == 1.0


def test_what_the_app_can_host_on_is_known_by_its_size() -> None:
    regions = prices.priced_regions("hosting")
    offered = {kind for region in regions for kind in prices.priced_types(region, "hosting")}
    assert offered <= set(CAPACITIES)


def test_a_type_of_unknown_size_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    large = "ml.p4d.24xlarge"
    priced = prices.parse(_with(component="hosting", type=large))
    monkeypatch.setattr(prices, "_table", lambda: prices.parse(DOCUMENT) | priced)
    with pytest.raises(SettingsError, match=r"hosting_instance_type is .*not known here.*one of ml\.m5"):
        Settings.load({"hosting_instance_type": large}, {})


def offered() -> list[tuple[str, str]]:
    """(region, instance type) that the app can host on, or train its recipe on."""
    return [(region, type_) for region in sorted(COMPONENT_REGIONS) for type_ in sorted(CAPACITIES)]


def test_an_unpriced_type_names_the_command_that_prices_it() -> None:
    outcomes = set()
    for region, type_ in offered():
        for component in ("training", "hosting"):
            outcomes.add(_priced_or_told(region, type_, component))
    assert outcomes == {True, False}


def _priced_or_told(region: str, type_: str, component: prices.Component) -> bool:
    refused = ""
    try:
        Settings.load({"region": region, f"{component}_instance_type": type_, "budget_usd": "1000"}, {})
    except SettingsError as error:
        refused = str(error)
    known = type_ in prices.priced_types(region, component)
    told = f"{component}_instance_type is" in refused
    assert told is not known, (region, type_, component)
    assert known or f"finexpert prices refresh {type_} --region {region}" in refused
    return known


def test_every_region_with_a_training_price_has_an_instance_that_fits() -> None:
    for region in prices.priced_regions("training"):
        assert any(suits_the_recipe(type_) for type_ in prices.priced_types(region, "training")), region


def test_the_defaults_are_priced() -> None:
    settings = Settings.load({}, {})
    component: Any
    kinds = {"training": settings.training_instance_type, "hosting": settings.hosting_instance_type}
    for component, type_ in kinds.items():
        assert type_ in prices.priced_types(settings.region, component)
