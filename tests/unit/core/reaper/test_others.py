"""Notebook instances, jobs and apps are reported when they should be over, and never stopped."""

from datetime import timedelta
from typing import Any

import pytest

from core.environment import ConfigurationError
from core.reaper.settings import Kind, ReaperSettings, Scope
from tests.fakes.cloud import arn, error, service_model
from tests.fakes.reaper_cloud import ReaperCloud
from tests.unit.core.reaper.reaping import TOPIC, reaped

HOUR = 60


@pytest.fixture
def cloud() -> ReaperCloud:
    return ReaperCloud()


def answer(cloud: ReaperCloud, **settings: Any) -> dict[str, Any]:
    return reaped(cloud, **{"other_kinds": tuple(Kind), "topic_arn": TOPIC, **settings})


def actions(cloud: ReaperCloud, **settings: Any) -> dict[str, str]:
    return {d["name"]: d["action"] for d in answer(cloud, **settings)["others"]["decisions"]}


def test_notebook_instances(cloud: ReaperCloud) -> None:
    cloud.notebook("started-this-morning", running=4 * HOUR)
    cloud.notebook("running-since-yesterday", running=20 * HOUR)
    cloud.notebook("just-started", running=5)
    cloud.notebook("hangs", running=3 * HOUR, status="Stopping")
    cloud.notebook("stopped", running=90 * HOUR, status="Stopped")
    assert actions(cloud) == {
        "started-this-morning": "keep",
        "running-since-yesterday": "notify",
        "just-started": "keep",
        "hangs": "notify",
    }


@pytest.mark.parametrize("processing", [False, True])
def test_jobs_past_their_end(cloud: ReaperCloud, processing: bool) -> None:
    def job(name: str, **times: Any) -> None:
        cloud.job(name, processing=processing, **times)

    job("within-its-limit", age=110, started=100, limit=120)
    job("within-the-grace", age=150, started=130, limit=120)
    job("past-its-limit", age=150, started=140, limit=120)
    job("waits-for-capacity", age=500, started=None, limit=120)
    job("young", age=10, started=9, limit=1)
    job("without-a-limit", age=25 * HOUR, started=25 * HOUR, limit=None)
    job("being-stopped", age=300, started=290, status="Stopping", modified=10)
    job("hangs-in-stopping", age=300, started=290, status="Stopping", modified=90)
    job("over", age=300, started=290, status="Completed")
    assert actions(cloud) == {
        "within-its-limit": "keep",
        "within-the-grace": "keep",
        "past-its-limit": "notify",
        "waits-for-capacity": "keep",
        "young": "keep",
        "without-a-limit": "notify",
        "being-stopped": "keep",
        "hangs-in-stopping": "notify",
    }


def test_a_spot_job_ends_with_its_longest_wait(cloud: ReaperCloud) -> None:
    cloud.job("spot", age=300, started=100, limit=120, wait=240)
    assert actions(cloud) == {"spot": "notify"}


def test_people_can_name_an_earlier_end(cloud: ReaperCloud) -> None:
    cloud.job("known", age=200, started=190, limit=600)
    cloud.label(arn("training-job", "known"), **{"finexpert:expected-end": "2026-11-20T11:00Z"})
    assert actions(cloud) == {"known": "notify"}


def test_apps_and_the_activity_that_is_none(cloud: ReaperCloud) -> None:
    cloud.app("used", age=5 * HOUR, active=20, checked=1)
    cloud.app("unused", age=5 * HOUR, active=200, checked=1)
    # AWS moves both times together where it cannot see the user.
    cloud.app("health-check-only", age=5 * HOUR, active=1, checked=1)
    cloud.app("health-check-only-for-long", age=20 * HOUR, active=1, checked=1)
    cloud.app("tells-nothing", age=5 * HOUR)
    cloud.app("free", age=90 * HOUR, active=4000, instance="system", kind="JupyterServer")
    cloud.app("hangs", age=5 * HOUR, status="Pending")
    cloud.app("deleted", age=5 * HOUR, status="Deleted")
    wanted = {
        "used": "keep",
        "unused": "notify",
        "health-check-only": "keep",
        "health-check-only-for-long": "notify",
        "tells-nothing": "keep",
        "free": "keep",
        "hangs": "notify",
    }
    assert {name.rpartition("/")[2]: action for name, action in actions(cloud).items()} == wanted


@pytest.mark.parametrize(
    ("kind", "enum", "at_rest"),
    [
        ("notebook", "NotebookInstanceStatus", {"Stopped", "Failed"}),
        # Of an app that is being deleted AWS does not say since when.
        ("app", "AppStatus", {"Deleted", "Deleting", "Failed"}),
    ],
)
def test_each_status_that_lasts_and_may_bill_is_reported(kind: str, enum: str, at_rest: set[str]) -> None:
    statuses = {*service_model("sagemaker").shape_for(enum).enum, "InventedTomorrow"}
    cloud = ReaperCloud()
    for status in statuses:
        if kind == "notebook":
            cloud.notebook(status, running=72 * HOUR, status=status)
        else:
            cloud.app(status, age=72 * HOUR, status=status)
    reported = {name.rpartition("/")[2] for name, action in actions(cloud).items() if action == "notify"}
    assert reported == statuses - at_rest


def test_owner_and_protection_hold_here_too(cloud: ReaperCloud) -> None:
    for name in ("theirs", "protected", "nobody-s"):
        cloud.notebook(name, running=30 * HOUR)
    cloud.label(arn("notebook-instance", "theirs"), project="Theirs")
    cloud.label(arn("notebook-instance", "nobody-s"), project=None)
    cloud.label(arn("notebook-instance", "protected"), **{"finexpert:keep": "true"})
    assert set(actions(cloud).values()) == {"keep"}
    account = actions(cloud, scope=Scope.ACCOUNT)
    assert account == {"theirs": "notify", "protected": "keep", "nobody-s": "notify"}


def test_nothing_is_ever_changed(cloud: ReaperCloud) -> None:
    cloud.notebook("n", running=99 * HOUR)
    cloud.job("t", age=999, started=990)
    cloud.job("p", age=999, started=990, processing=True)
    cloud.app("a", age=99 * HOUR, active=900)
    answer(cloud, scope=Scope.ACCOUNT)
    reads = ("List", "Describe", "Get", "Publish", "PutMetricData")
    assert all(name.startswith(reads) for name, _ in cloud.log)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("ListNotebookInstances", "notebook-instances"),
        ("ListTrainingJobs", "training-jobs"),
        ("ListProcessingJobs", "processing-jobs"),
        ("ListApps", "apps"),
    ],
)
def test_a_kind_that_cannot_be_listed_stops_no_other(cloud: ReaperCloud, operation: str, kind: str) -> None:
    cloud.endpoint("idle")
    cloud.notebook("n", running=99 * HOUR)
    cloud.job("t", age=999, started=990)
    cloud.job("p", age=999, started=990, processing=True)
    cloud.app("a", age=99 * HOUR, active=900)
    cloud.failures[operation] = error("AccessDeniedException", "not allowed here")
    found = answer(cloud)
    assert found["decisions"][0]["action"] == "delete" and found["complete"] is True
    assert list(found["others"]["unlisted"]) == [kind]
    assert "not allowed here" in found["others"]["unlisted"][kind]
    assert {d["kind"] for d in found["others"]["decisions"]} == set(Kind) - {kind}


def test_what_cannot_be_described_is_kept(cloud: ReaperCloud) -> None:
    cloud.job("t", age=999, started=990)
    cloud.failures["DescribeTrainingJob"] = error("ThrottlingException", "Rate exceeded")
    [decision] = answer(cloud)["others"]["decisions"]
    assert decision["action"] == "keep" and "Rate exceeded" in decision["reason"]


def test_people_are_informed_once_a_day_with_the_price_and_the_command(cloud: ReaperCloud) -> None:
    cloud.job("t", age=999, started=990)
    answer(cloud)
    answer(cloud)
    [message] = cloud.messages
    assert "stop-training-job --training-job-name t" in message["Message"] and "/h" in message["Message"]
    cloud.now += timedelta(hours=25)
    answer(cloud)
    assert len(cloud.messages) == 2


def test_a_dry_run_sends_no_message(cloud: ReaperCloud) -> None:
    cloud.notebook("n", running=99 * HOUR)
    assert actions(cloud, dry_run=True) == {"n": "notify"}
    assert not cloud.messages


def test_the_answer_is_the_contract_s_alone_unless_kinds_are_asked_for(cloud: ReaperCloud) -> None:
    cloud.notebook("n", running=99 * HOUR)
    assert set(answer(cloud, other_kinds=())) == {"decisions", "api_calls", "complete"}
    assert not cloud.called("ListNotebookInstances")


def test_the_kinds_are_read_from_the_environment() -> None:
    assert ReaperSettings.load({}, {}).other_kinds == ()
    kinds = {"OTHER_KINDS": "apps, training-jobs"}
    assert ReaperSettings.load(kinds, {}).other_kinds == (Kind.APPS, Kind.TRAINING)
    with pytest.raises(ConfigurationError, match="OTHER_KINDS has 'buckets'"):
        ReaperSettings.load({"OTHER_KINDS": "buckets"}, {})


def test_one_hundred_a_kind_are_asked_for_and_the_rest_is_reported(cloud: ReaperCloud) -> None:
    for number in range(103):
        cloud.job(f"t-{number}", age=300, started=200, limit=600)
    found = answer(cloud)["others"]
    assert len(found["decisions"]) == 103 and "training-jobs" in found["unlisted"]
    assert len(cloud.called("DescribeTrainingJob")) == 100
