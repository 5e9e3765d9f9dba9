"""A refusal for a price that is missing names a command; after it a run can be started again."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.admission import planning
from core.money import prices
from finexpert.service.money import price_list
from tests.fakes.cloud import BUDGET, NOW, REGION, Cloud, minutes
from tests.fakes.price_list import PriceList, product
from tests.unit.core.money.spend_samples import month


def processing_job(cloud: Cloud) -> None:
    cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 20}
    cloud.processing["model-monitor-1"] = {
        "ProcessingJobName": "model-monitor-1",
        "ProcessingJobStatus": "Completed",
        "CreationTime": NOW - minutes(14_400),
        "LastModifiedTime": NOW - minutes(14_390),
        "ProcessingStartTime": NOW - minutes(14_398),
        "ProcessingEndTime": NOW - minutes(14_392),
        "ProcessingResources": {"ClusterConfig": cluster},
    }


def studio_app(cloud: Cloud) -> None:
    cloud.apps.append(
        {
            "DomainId": "d",
            "UserProfileName": "u",
            "AppType": "JupyterLab",
            "AppName": "default",
            "Status": "InService",
            "CreationTime": NOW - minutes(60),
            "ResourceSpec": {"InstanceType": "ml.g4dn.xlarge"},
        }
    )


def notebook(cloud: Cloud) -> None:
    cloud.notebooks.append(
        {
            "NotebookInstanceName": "nb",
            "NotebookInstanceStatus": "InService",
            "InstanceType": "ml.t2.medium",
            "CreationTime": NOW - minutes(600),
            "LastModifiedTime": NOW - minutes(600),
        }
    )


def endpoint(cloud: Cloud) -> None:
    cloud.endpoint("by-hand", age=10, instance_type="ml.p4d.24xlarge")


KINDS = pytest.mark.parametrize("make", [processing_job, studio_app, notebook, endpoint])


def listing(*uses: str) -> PriceList:
    """AWS's Price List with one on-demand price for each of these uses."""
    return PriceList(lambda service, fields: [product("USE1", "0.23")] if fields["component"] in uses else [])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "prices.json"
    file.write_text(prices.PRICES_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(prices, "PRICES_FILE", file)
    prices._table.cache_clear()
    yield file
    monkeypatch.undo()
    prices._table.cache_clear()


@KINDS
@pytest.mark.parametrize(
    "listed", [tuple(price_list.COMPONENTS.values()), ("Training", "Hosting")], ids=["all", "two uses"]
)
def test_what_the_refusal_advises_lifts_it(make: Any, listed: tuple[str, ...], file: Path) -> None:
    cloud = Cloud()
    make(cloud)
    with pytest.raises(planning.SpendUnknown) as refused:
        planning.money(BUDGET, month(cloud), [])
    assert ": ." not in str(refused.value), "a list of nothing is no help"
    advised = re.search(r"finexpert prices refresh (\S+) --region (\S+)", str(refused.value))
    assert advised, refused.value
    region, types = advised[2], [advised[1]]
    price_list.refresh(listing(*listed), region=region, types=types, today=date(2026, 11, 20), file=file)
    prices._table.cache_clear()
    after = month(cloud)
    planning.money(BUDGET, after, [])
    unlisted = make not in (endpoint,) and len(listed) == 2
    assert bool(after.estimated) is unlisted, "what is only estimated says so"


def test_what_others_run_without_a_price_is_reported_and_estimated() -> None:
    cloud = Cloud()
    studio_app(cloud)
    spend = month(cloud)
    assert "ml.g4dn.xlarge" in spend.unpriced[0]
    same_type = prices.hourly("ml.g4dn.xlarge", REGION, "training").usd
    assert spend.total_usd == pytest.approx(same_type) and spend.burn_usd_per_hour == pytest.approx(same_type)
