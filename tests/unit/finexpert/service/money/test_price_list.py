"""`finexpert prices refresh`: what is taken from AWS's Price List, and what is not."""

import json
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from core.money import prices
from finexpert.cli import main as cli
from finexpert.cli.commands import prices as command
from finexpert.errors import UserError
from finexpert.service.money import price_list
from tests.fakes.price_list import PriceList, product

TODAY = date(2026, 12, 1)
REGION = "us-east-1"


def listed(answers: dict[tuple[str, str], list[str]]) -> PriceList:
    """Answers by component and instance type; everything else has no product."""

    def find(service: str, fields: dict[str, str]) -> list[str]:
        assert service == "AmazonSageMaker"
        return answers.get((fields["component"], fields["instanceName"]), [])

    return PriceList(find)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copy(prices.PRICES_FILE, tmp_path))


def refresh(file: Path, answers: dict[tuple[str, str], list[str]], *types: str) -> price_list.Refreshed:
    return price_list.refresh(listed(answers), region=REGION, types=types, today=TODAY, file=file)


def table(file: Path) -> dict[tuple[str, str, str], prices.Price]:
    return prices.parse(json.loads(file.read_text(encoding="utf-8")))


G5 = ("Training", "ml.g5.2xlarge")
HOST = ("Hosting", "ml.g5.2xlarge")


def test_what_was_read_is_written_with_source_and_day_and_nothing_else_changes(file: Path) -> None:
    before = table(file)
    done = refresh(
        file,
        {G5: [product("USE1-Train:ml.g5.2xlarge", "1.6000000000")], HOST: [product("USE1-Host", "1.7")]},
        "ml.g5.2xlarge",
    )
    assert [(each.usd, each.before_usd) for each in done.read] == [(1.6, 1.515), (1.7, 1.515)]
    after = table(file)
    price = after["training", REGION, "ml.g5.2xlarge"]
    assert (price.usd, price.unit, price.date) == (1.6, "USD/hour", TODAY)
    assert "Price List API" in price.source
    assert {key for key in after if after[key] != before.get(key)} == {
        (component, REGION, "ml.g5.2xlarge") for component in ("training", "hosting")
    }
    assert not done.problems and [each.name for each in file.parent.iterdir()] == [file.name]


def test_one_changed_price_is_one_changed_line_and_its_source(file: Path) -> None:
    before = file.read_text(encoding="utf-8").splitlines()
    refresh(file, {G5: [product("USE1-Train:ml.g5.2xlarge", "1.6")]}, "ml.g5.2xlarge")
    changed = set(file.read_text(encoding="utf-8").splitlines()) - set(before)
    assert len(changed) == 2 and any('"price": 1.6' in line for line in changed)


def test_a_type_that_the_file_does_not_know_is_added(file: Path) -> None:
    new = ("Training", "ml.g6e.2xlarge")
    done = refresh(file, {new: [product("USE1-Train:ml.g6e.2xlarge", "2.8")]}, "ml.g6e.2xlarge")
    assert [each.before_usd for each in done.read] == [None]
    assert table(file)["training", REGION, "ml.g6e.2xlarge"].usd == 2.8


def test_without_names_all_hourly_prices_of_the_region_are_asked_for(file: Path) -> None:
    asked = listed({})
    price_list.refresh(asked, region=REGION, types=[], today=TODAY, file=file)
    wanted = {
        (each.type, price_list.COMPONENTS[each.component])
        for each in table(file).values()
        if each.region == REGION and each.component in price_list.COMPONENTS
    }
    assert {(each["instanceName"], each["component"]) for each in asked.asked} == wanted
    assert {each["regionCode"] for each in asked.asked} == {REGION}


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ([], "found: none"),
        ([product("a", "1.5"), product("b", "1.6")], "a at 1.5 USD/Hrs, b at 1.6 USD/Hrs"),
        ([product("a", "1.5", "1.4")], "a at 1.5 USD/Hrs, a at 1.4 USD/Hrs"),
        ([product("a", "1.5", term="Reserved")], "found: none"),
        ([product("a", "0.1", unit="GB-Mo")], "a at 0.1 USD/GB-Mo"),
    ],
)
def test_anything_but_one_price_changes_nothing(file: Path, found: list[str], named: str) -> None:
    before = file.read_bytes()
    done = refresh(file, {G5: found}, "ml.g5.2xlarge")
    assert named in done.problems[0] and "training on ml.g5.2xlarge in us-east-1" in done.problems[0]
    assert not done.read and file.read_bytes() == before


def test_a_price_of_nothing_is_not_written(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(prices.UnknownPrice, match="out of range"):
        refresh(file, {G5: [product("a", "0.0000000000")]}, "ml.g5.2xlarge")
    assert file.read_bytes() == before


def test_a_write_that_fails_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = file.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda self, target: full(0))
    with pytest.raises(OSError, match="No space"):
        refresh(file, {G5: [product("a", "1.6")]}, "ml.g5.2xlarge")
    assert file.read_bytes() == before and [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_region_without_any_price_needs_names(file: Path) -> None:
    with pytest.raises(UserError) as refused:
        price_list.refresh(listed({}), region="eu-north-1", types=[], today=TODAY, file=file)
    assert "--region eu-north-1" in refused.value.fix


@pytest.mark.parametrize(("region", "asked"), [("ap-south-1", "ap-south-1"), ("eu-west-1", "us-east-1")])
def test_the_price_list_is_asked_where_it_is(region: str, asked: str) -> None:
    assert price_list.endpoint_region(region) == asked


def test_the_embedded_cloud_has_none_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "open_target", lambda context: SimpleNamespace(is_local=True))
    result = CliRunner().invoke(cli.app, ["prices", "refresh"])
    assert isinstance(result.exception, UserError)
    assert "no Price List" in result.exception.what and "--on aws" in result.exception.fix


def test_the_command_tells_programs_what_has_changed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    regions: list[str] = []

    def client(service: str, region: str) -> PriceList:
        regions.append(region)
        return listed({G5: [product("USE1-Train:ml.g5.2xlarge", "1.6")]})

    target = SimpleNamespace(is_local=False, client=client)
    monkeypatch.setattr(command, "open_target", lambda context: target)
    monkeypatch.setattr(prices, "PRICES_FILE", file)
    arguments = ["prices", "refresh", "ml.g5.2xlarge", "--region", REGION]
    result = CliRunner().invoke(cli.app, [*arguments, "--json"])
    answer = json.loads(result.stdout)
    assert result.exit_code == 1 and regions == [REGION]
    assert [(each["wanted"]["component"], each["usd"]) for each in answer["read"]] == [("training", 1.6)]
    assert "hosting on ml.g5.2xlarge" in answer["problems"][0]
    shown = CliRunner().invoke(cli.app, arguments).output
    assert "training ml.g5.2xlarge: $1.6 an hour (was $1.60)" in shown and "not changed" in shown
