"""A labelled fleet: each endpoint has a trap in it, and the action that a careful person would take."""

from collections.abc import Callable

import pytest

from core.names import STACK_NAME_TAG
from core.reaper.run import Run, reap
from core.reaper.settings import ReaperSettings, Scope
from tests.fakes.cloud import NOW, Cloud, error, minutes

KEEP, DELETE, NOTIFY = "keep", "delete", "notify"
Build = Callable[[Cloud], str]
CORPUS: dict[str, tuple[str, Build]] = {}


def case(expected: str) -> Callable[[Build], Build]:
    def register(build: Build) -> Build:
        CORPUS[build.__name__.replace("_", "-")] = (expected, build)
        return build

    return register


def name(build: Callable[..., object]) -> str:
    return build.__name__.replace("_", "-")


@case(KEEP)
def busy(cloud: Cloud) -> str:
    cloud.requests(name(busy), 1, 5, 9)
    return cloud.endpoint(name(busy))


@case(KEEP)
def last_request_just_inside_the_window(cloud: Cloud) -> str:
    cloud.requests(name(last_request_just_inside_the_window), 62)
    return cloud.endpoint(name(last_request_just_inside_the_window))


@case(DELETE)
def last_request_just_outside_the_window(cloud: Cloud) -> str:
    cloud.requests(name(last_request_just_outside_the_window), 66)
    return cloud.endpoint(name(last_request_just_outside_the_window))


@case(KEEP)
def request_within_the_metric_delay(cloud: Cloud) -> str:
    cloud.requests(name(request_within_the_metric_delay), 0)
    return cloud.endpoint(name(request_within_the_metric_delay))


@case(DELETE)
def never_called(cloud: Cloud) -> str:
    return cloud.endpoint(name(never_called))


@case(DELETE)
def zeros_only(cloud: Cloud) -> str:
    for ago in range(1, 60):
        cloud.metric("Invocations", ago, 0.0, EndpointName=name(zeros_only), VariantName="AllTraffic")
    return cloud.endpoint(name(zeros_only))


@case(KEEP)
def second_variant_busy(cloud: Cloud) -> str:
    cloud.requests(name(second_variant_busy), 10, variant="blue")
    return cloud.endpoint(name(second_variant_busy), variants={"green": 1, "blue": 1})


@case(DELETE)
def two_idle_variants(cloud: Cloud) -> str:
    return cloud.endpoint(name(two_idle_variants), variants={"green": 1, "blue": 2})


@case(KEEP)
def shadow_variant_busy(cloud: Cloud) -> str:
    cloud.requests(name(shadow_variant_busy), 10, variant="shadow")
    return cloud.endpoint(name(shadow_variant_busy), shadow=("shadow",))


@case(KEEP)
def long_call_in_flight(cloud: Cloud) -> str:
    endpoint = name(long_call_in_flight)
    cloud.metric("ConcurrentRequestsPerModel", 2, EndpointName=endpoint, VariantName="AllTraffic")
    return cloud.endpoint(name(long_call_in_flight))


@case(KEEP)
def enhanced_metrics_only(cloud: Cloud) -> str:
    series = {"EndpointName": name(enhanced_metrics_only), "VariantName": "AllTraffic", "InstanceId": "i-1"}
    cloud.metric("Invocations", 20, **series)
    endpoint = cloud.endpoint(name(enhanced_metrics_only))
    cloud.endpoints[endpoint]["MetricsConfig"] = {"EnableEnhancedMetrics": True}
    return endpoint


@case(DELETE)
def other_endpoint_with_the_same_variant_busy(cloud: Cloud) -> str:
    cloud.requests("busy", 3)
    return cloud.endpoint(name(other_endpoint_with_the_same_variant_busy))


@case(KEEP)
def async_with_backlog(cloud: Cloud) -> str:
    cloud.metric("ApproximateBacklogSize", 5, EndpointName=name(async_with_backlog))
    return cloud.endpoint(name(async_with_backlog), asynchronous=True)


@case(KEEP)
def async_that_worked(cloud: Cloud) -> str:
    cloud.metric("ModelLatency", 30, 9e5, EndpointName=name(async_that_worked), VariantName="AllTraffic")
    return cloud.endpoint(name(async_that_worked), asynchronous=True)


@case(KEEP)
def async_processed(cloud: Cloud) -> str:
    cloud.metric("InvocationsProcessed", 30, EndpointName=name(async_processed))
    return cloud.endpoint(name(async_processed), asynchronous=True)


@case(KEEP)
def async_scaled_to_zero(cloud: Cloud) -> str:
    return cloud.endpoint(name(async_scaled_to_zero), asynchronous=True, variants={"AllTraffic": 0})


@case(DELETE)
def async_idle(cloud: Cloud) -> str:
    for ago in range(1, 100, 5):
        cloud.metric("ApproximateBacklogSize", ago, 0.0, EndpointName=name(async_idle))
    return cloud.endpoint(name(async_idle), asynchronous=True)


@case(KEEP)
def serverless(cloud: Cloud) -> str:
    return cloud.endpoint(name(serverless), serverless={"AllTraffic": 0})


@case(DELETE)
def serverless_provisioned_idle(cloud: Cloud) -> str:
    return cloud.endpoint(name(serverless_provisioned_idle), serverless={"AllTraffic": 2})


@case(KEEP)
def serverless_provisioned_busy(cloud: Cloud) -> str:
    cloud.requests(name(serverless_provisioned_busy), 20)
    return cloud.endpoint(name(serverless_provisioned_busy), serverless={"AllTraffic": 2})


@case(KEEP)
def component_busy(cloud: Cloud) -> str:
    endpoint = cloud.endpoint(name(component_busy), hosts_components=True)
    cloud.metric("Invocations", 12, InferenceComponentName=cloud.component("busy-base", endpoint))
    return endpoint


@case(KEEP)
def adapter_busy(cloud: Cloud) -> str:
    endpoint = cloud.endpoint(name(adapter_busy), hosts_components=True)
    cloud.component("a-base", endpoint)
    cloud.metric("Invocations", 12, InferenceComponentName=cloud.component("a-tuned", endpoint))
    return endpoint


@case(KEEP)
def component_with_a_long_call(cloud: Cloud) -> str:
    endpoint = cloud.endpoint(name(component_with_a_long_call), hosts_components=True)
    cloud.component("long", endpoint)
    cloud.metric("ConcurrentRequestsPerCopy", 1, InferenceComponentName="long")
    return endpoint


@case(DELETE)
def components_idle(cloud: Cloud) -> str:
    endpoint = cloud.endpoint(name(components_idle), hosts_components=True)
    cloud.component("idle-base", endpoint)
    cloud.component("idle-tuned", endpoint, age=200)
    return endpoint


@case(KEEP)
def components_scaled_to_zero(cloud: Cloud) -> str:
    endpoint = cloud.endpoint(
        name(components_scaled_to_zero), hosts_components=True, variants={"AllTraffic": 0}
    )
    cloud.component("zero", endpoint)
    return endpoint


@case(KEEP)
def component_coming_up(cloud: Cloud) -> str:
    endpoint = cloud.endpoint(name(component_coming_up), hosts_components=True)
    cloud.component("coming", endpoint, status="Creating", age=20)
    return endpoint


@case(NOTIFY)
def component_stuck(cloud: Cloud) -> str:
    endpoint = cloud.endpoint(name(component_stuck), age=3000, hosts_components=True)
    cloud.component("stuck", endpoint, status="Creating", age=2000)
    return endpoint


@case(KEEP)
def too_young(cloud: Cloud) -> str:
    return cloud.endpoint(name(too_young), age=61)


@case(DELETE)
def just_old_enough(cloud: Cloud) -> str:
    return cloud.endpoint(name(just_old_enough), age=64)


@case(KEEP)
def changed_lately(cloud: Cloud) -> str:
    return cloud.endpoint(name(changed_lately), age=5000, modified=10)


@case(KEEP)
def updating(cloud: Cloud) -> str:
    return cloud.endpoint(name(updating), status="Updating")


@case(KEEP)
def system_updating(cloud: Cloud) -> str:
    return cloud.endpoint(name(system_updating), status="SystemUpdating")


@case(KEEP)
def rolled_back_badly(cloud: Cloud) -> str:
    return cloud.endpoint(name(rolled_back_badly), status="UpdateRollbackFailed")


@case(DELETE)
def failed(cloud: Cloud) -> str:
    return cloud.endpoint(name(failed), status="Failed")


@case(KEEP)
def being_deleted(cloud: Cloud) -> str:
    return cloud.endpoint(name(being_deleted), status="Deleting", modified=4)


@case(NOTIFY)
def stuck_in_deletion(cloud: Cloud) -> str:
    return cloud.endpoint(name(stuck_in_deletion), status="Deleting", modified=180)


@case(KEEP)
def protected(cloud: Cloud) -> str:
    return cloud.endpoint(name(protected), tags={"finexpert:keep": ""})


@case(KEEP)
def snoozed(cloud: Cloud) -> str:
    return cloud.endpoint(name(snoozed), tags={"finexpert:keep": "2026-11-20T18:00Z"})


@case(DELETE)
def snooze_is_over(cloud: Cloud) -> str:
    return cloud.endpoint(name(snooze_is_over), tags={"finexpert:keep": "2026-11-20T09:00:00+00:00"})


@case(KEEP)
def snoozed_in_another_zone(cloud: Cloud) -> str:
    # 08:00 in New York is 13:00 UTC, an hour from now.
    return cloud.endpoint(name(snoozed_in_another_zone), tags={"finexpert:keep": "2026-11-20T08:00-05:00"})


@case(KEEP)
def unintelligible_protection(cloud: Cloud) -> str:
    return cloud.endpoint(name(unintelligible_protection), tags={"finexpert:keep": "until Anna is back"})


@case(NOTIFY)
def owned_by_another_stack(cloud: Cloud) -> str:
    return cloud.endpoint(name(owned_by_another_stack), tags={STACK_NAME_TAG: "TheirStack"})


@case(KEEP)
def other_project(cloud: Cloud) -> str:
    return cloud.endpoint(name(other_project), project="Theirs")


@case(KEEP)
def never_tagged(cloud: Cloud) -> str:
    return cloud.endpoint(name(never_tagged), project=None)


SETTINGS = ReaperSettings(max_deletes=1000)


def run(cloud: Cloud, settings: ReaperSettings = SETTINGS) -> dict[str, str]:
    answer = reap([Run(cloud, settings, lambda: NOW, pause=lambda _: None)])
    return {decision["endpoint"]: decision["action"] for decision in answer["decisions"]}


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
