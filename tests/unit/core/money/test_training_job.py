"""The cost of a run is the same sum everywhere."""

import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from core.evaluation.reading import read
from core.money.prices import dearest
from core.money.spend import Usage, account
from core.money.training_job import TrainingJob, run_usd
from finexpert.service.runs import follow
from tests.fakes.archives import packed
from tests.fakes.cloud import NOW, REGION, Cloud
from tests.unit.lambdas.test_runs import EVALUATION

HOUR = timedelta(hours=1)


def answer(**changes: Any) -> dict[str, Any]:
    """DescribeTrainingJob's."""
    return {
        "TrainingJobName": "finexpert-1",
        "TrainingJobStatus": "Completed",
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 2, "VolumeSizeInGB": 100},
        "TrainingStartTime": NOW - HOUR,
        "TrainingEndTime": NOW,
        "BillableTimeInSeconds": 3000,
        "CreationTime": NOW - 2 * HOUR,
    } | changes


def usd(now: datetime = NOW, **changes: Any) -> float:
    return run_usd([TrainingJob.of(answer(**changes))], REGION, now)


def test_list_page_mail_and_month_name_the_same_sum() -> None:
    job = answer()
    cloud = Cloud()
    output = packed(("evaluation.json", json.dumps(EVALUATION).encode()))
    cloud.objects[("artifacts", "runs/finexpert-1/output/output.tar.gz")] = output
    mailed = read(
        {"run": "finexpert-1", "training_job": job}, bucket="artifacts", region=REGION, clients=cloud
    )
    deployment: Any = SimpleNamespace(names=SimpleNamespace(region=REGION))
    listed = follow.usd(deployment, [job], NOW)
    [line] = account(Usage(jobs=[TrainingJob.of(job)]), region=REGION, now=NOW).lines
    assert mailed["usd"] == round(listed, 4) == round(line.usd, 4)
    assert listed == pytest.approx(2 * 3000 / 3600 * (3.825 + 100 * 0.14 / 730))
    details = json.loads(mailed["model_card"])["training_details"]["training_job_details"]
    assert details["training_metrics"][1]["value"] == mailed["usd"]


def test_a_running_job_costs_since_its_instances_came_up() -> None:
    absent = dict.fromkeys(("TrainingEndTime", "BillableTimeInSeconds"))
    running: dict[str, Any] = {"TrainingJobStatus": "InProgress", **absent}
    assert usd(**running) == pytest.approx(2 * (3.825 + 100 * 0.14 / 730))
    assert usd(**running, TrainingStartTime=None) == 0.0


def test_times_as_step_functions_writes_them_are_read() -> None:
    job = TrainingJob.of(answer(TrainingStartTime="2026-11-20T11:00:00.123Z", BillableTimeInSeconds=None))
    assert job.start is not None and job.start.utcoffset() == timedelta(0)


def test_a_type_without_a_price_counts_at_the_dearest_known() -> None:
    unknown = {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 0}
    assert usd(ResourceConfig=unknown, BillableTimeInSeconds=3600) == dearest("training").usd
