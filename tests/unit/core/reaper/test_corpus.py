"""A labelled fleet: each endpoint has a trap in it, and the action that a careful person would take."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from core.names import KEEP_TAG, STACK_NAME_TAG
from core.reaper.settings import ReaperSettings, Scope
from tests.fakes.cloud import Cloud, error, minutes
from tests.unit.core.reaper.reaping import actions, reaped

KEEP, DELETE, NOTIFY = "keep", "delete", "notify"
UNUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "never-called": (DELETE, {}),
    "two-idle-variants": (DELETE, {"variants": {"green": 1, "blue": 2}}),
    "async-scaled-to-zero": (KEEP, {"asynchronous": True, "variants": {"AllTraffic": 0}}),
    "serverless": (KEEP, {"serverless": {"AllTraffic": 0}}),
    "serverless-provisioned-idle": (DELETE, {"serverless": {"AllTraffic": 2}}),
    "too-young": (KEEP, {"age": 61}),
    "just-old-enough": (DELETE, {"age": 64}),
    "changed-lately": (KEEP, {"age": 5000, "modified": 10}),
    "updating": (KEEP, {"status": "Updating"}),
    "system-updating": (KEEP, {"status": "SystemUpdating"}),
    "rolled-back-badly": (KEEP, {"status": "UpdateRollbackFailed"}),
    "failed": (DELETE, {"status": "Failed"}),
    "being-deleted": (KEEP, {"status": "Deleting", "modified": 4}),
    "stuck-in-deletion": (NOTIFY, {"status": "Deleting", "modified": 180}),
    "protected": (KEEP, {"tags": {KEEP_TAG: ""}}),
    "snoozed": (KEEP, {"tags": {KEEP_TAG: "2026-11-20T18:00Z"}}),
    "snooze-is-over": (DELETE, {"tags": {KEEP_TAG: "2026-11-20T09:00:00+00:00"}}),
    # 08:00 in New York is 13:00 UTC, an hour from now.
    "snoozed-in-another-zone": (KEEP, {"tags": {KEEP_TAG: "2026-11-20T08:00-05:00"}}),
    "unintelligible-protection": (KEEP, {"tags": {KEEP_TAG: "until Anna is back"}}),
    "owned-by-another-stack": (NOTIFY, {"tags": {STACK_NAME_TAG: "TheirStack"}}),
    "other-project": (KEEP, {"project": "Theirs"}),
    "never-tagged": (KEEP, {"project": None}),
}
"""Endpoints that nobody called: what is to be done with each, and what it is like."""


Build = Callable[[Cloud], object]
CORPUS: dict[str, tuple[str, Build]] = {
    name: (expected, partial(Cloud.endpoint, name=name, **what)) for name, (expected, what) in UNUSED.items()
}


def case(expected: str) -> Callable[[Callable[[Cloud, str], None]], None]:
    """The endpoint that a function makes; it is called as the function is."""

    def register(build: Callable[[Cloud, str], None]) -> None:
        name = build.__name__.replace("_", "-")
        CORPUS[name] = (expected, lambda cloud: build(cloud, name))

    return register


@case(KEEP)
def busy(cloud: Cloud, name: str) -> None:
    cloud.requests(cloud.endpoint(name), 1, 5, 9)


@case(KEEP)
def last_request_just_inside_the_window(cloud: Cloud, name: str) -> None:
    cloud.requests(cloud.endpoint(name), 62)


@case(DELETE)
def last_request_just_outside_the_window(cloud: Cloud, name: str) -> None:
    cloud.requests(cloud.endpoint(name), 66)


@case(KEEP)
def request_within_the_metric_delay(cloud: Cloud, name: str) -> None:
    cloud.requests(cloud.endpoint(name), 0)


@case(DELETE)
def zeros_only(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name)
    for ago in range(1, 60):
        cloud.metric("Invocations", ago, 0.0, EndpointName=name, VariantName="AllTraffic")


@case(KEEP)
def second_variant_busy(cloud: Cloud, name: str) -> None:
    cloud.requests(cloud.endpoint(name, variants={"green": 1, "blue": 1}), 10, variant="blue")


@case(KEEP)
def shadow_variant_busy(cloud: Cloud, name: str) -> None:
    cloud.requests(cloud.endpoint(name, shadow=("shadow",)), 10, variant="shadow")


@case(KEEP)
def long_call_in_flight(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name)
    cloud.metric("ConcurrentRequestsPerModel", 2, EndpointName=name, VariantName="AllTraffic")


@case(KEEP)
def enhanced_metrics_only(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name)
    cloud.endpoints[name]["MetricsConfig"] = {"EnableEnhancedMetrics": True}
    cloud.metric("Invocations", 20, EndpointName=name, VariantName="AllTraffic", InstanceId="i-1")


@case(DELETE)
def other_endpoint_with_the_same_variant_busy(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name)
    cloud.requests("busy", 3)


@case(KEEP)
def async_with_backlog(cloud: Cloud, name: str) -> None:
    cloud.metric("ApproximateBacklogSize", 5, EndpointName=cloud.endpoint(name, asynchronous=True))


@case(KEEP)
def async_that_worked(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name, asynchronous=True)
    cloud.metric("ModelLatency", 30, 9e5, EndpointName=name, VariantName="AllTraffic")


@case(KEEP)
def async_processed(cloud: Cloud, name: str) -> None:
    cloud.metric("InvocationsProcessed", 30, EndpointName=cloud.endpoint(name, asynchronous=True))


@case(DELETE)
def async_idle(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name, asynchronous=True)
    for ago in range(1, 100, 5):
        cloud.metric("ApproximateBacklogSize", ago, 0.0, EndpointName=name)


@case(KEEP)
def serverless_provisioned_busy(cloud: Cloud, name: str) -> None:
    cloud.requests(cloud.endpoint(name, serverless={"AllTraffic": 2}), 20)


@case(KEEP)
def component_busy(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name, hosts_components=True)
    cloud.metric("Invocations", 12, InferenceComponentName=cloud.component("busy-base", name))


@case(KEEP)
def adapter_busy(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name, hosts_components=True)
    cloud.component("a-base", name)
    cloud.metric("Invocations", 12, InferenceComponentName=cloud.component("a-tuned", name))


@case(KEEP)
def component_with_a_long_call(cloud: Cloud, name: str) -> None:
    cloud.component("long", cloud.endpoint(name, hosts_components=True))
    cloud.metric("ConcurrentRequestsPerCopy", 1, InferenceComponentName="long")


@case(DELETE)
def components_idle(cloud: Cloud, name: str) -> None:
    cloud.endpoint(name, hosts_components=True)
    cloud.component("idle-base", name)
    cloud.component("idle-tuned", name, age=200)


@case(KEEP)
def components_scaled_to_zero(cloud: Cloud, name: str) -> None:
    cloud.component("zero", cloud.endpoint(name, hosts_components=True, variants={"AllTraffic": 0}))


@case(KEEP)
def component_coming_up(cloud: Cloud, name: str) -> None:
    cloud.component("coming", cloud.endpoint(name, hosts_components=True), status="Creating", age=20)


@case(NOTIFY)
def component_stuck(cloud: Cloud, name: str) -> None:
    endpoint = cloud.endpoint(name, age=3000, hosts_components=True)
    cloud.component("stuck", endpoint, status="Creating", age=2000)


SETTINGS = ReaperSettings(max_deletes=1000)


def run(cloud: Cloud, settings: ReaperSettings = SETTINGS) -> dict[str, str]:
    return actions(reaped(cloud, settings))


@pytest.fixture
def fleet() -> Cloud:
    cloud = Cloud()
    for _, build in CORPUS.values():
        build(cloud)
    return cloud


def expected() -> dict[str, str]:
    return {label: action for label, (action, _) in CORPUS.items()}


def test_the_fleet_is_judged_as_labelled(fleet: Cloud) -> None:
    assert len(CORPUS) >= 40
    assert run(fleet) == expected()


def test_only_what_is_labelled_delete_is_gone(fleet: Cloud) -> None:
    run(fleet)
    assert set(fleet.endpoints) == {label for label, action in expected().items() if action != DELETE}


@pytest.mark.parametrize("label", CORPUS)
def test_each_alone(label: str) -> None:
    action, build = CORPUS[label]
    cloud = Cloud()
    build(cloud)
    if label != "busy":
        assert run(cloud)[label] == action


def test_a_dry_run_decides_alike_and_touches_nothing(fleet: Cloud) -> None:
    before = (set(fleet.endpoints), set(fleet.components), {k: dict(v) for k, v in fleet.tags.items()})
    assert run(fleet, ReaperSettings(max_deletes=1000, dry_run=True)) == expected()
    assert (set(fleet.endpoints), set(fleet.components), fleet.tags) == before
    assert not fleet.messages and not fleet.objects


def test_the_whole_account_takes_in_untagged_and_other_projects(fleet: Cloud) -> None:
    wanted = expected() | {"other-project": DELETE, "never-tagged": DELETE}
    assert run(fleet, ReaperSettings(max_deletes=1000, scope=Scope.ACCOUNT)) == wanted


@pytest.mark.parametrize("broken", ["GetResources", "ListMetrics"])
def test_without_the_helping_indexes_it_decides_alike(fleet: Cloud, broken: str) -> None:
    fleet.failures[broken] = error("InternalFailure", "down")
    assert run(fleet) == expected()


def test_a_second_run_finds_nothing_more_to_do(fleet: Cloud) -> None:
    run(fleet)
    left = set(fleet.endpoints)
    assert DELETE not in run(fleet).values()
    assert set(fleet.endpoints) == left


def test_longer_windows_use_longer_periods_and_decide_alike() -> None:
    cloud = Cloud()
    cloud.requests(cloud.endpoint("used-yesterday", age=60 * 24 * 9), 60 * 24)
    cloud.requests(cloud.endpoint("used-last-week", age=60 * 24 * 9), 60 * 24 * 8)
    week = ReaperSettings(idle=minutes(60 * 24 * 7), max_deletes=9)
    assert run(cloud, week) == {"used-yesterday": KEEP, "used-last-week": DELETE}
