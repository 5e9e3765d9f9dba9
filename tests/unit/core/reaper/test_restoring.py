"""Deleted and made again: what comes back is what was there."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.names import STACK_NAME_TAG
from core.reaper.restoring import SnapshotUnusable, plan
from finexpert.errors import UserError
from finexpert.service.endpoint import restore as restoring
from finexpert.service.endpoint import switch
from tests.fakes.cloud import arn, error, minutes
from tests.fakes.reaper_cloud import ReaperCloud
from tests.unit.core.reaper.reaping import actions, reaped

BUCKET = "audit-bucket"


@pytest.fixture
def cloud() -> ReaperCloud:
    return ReaperCloud()


def reap(cloud: ReaperCloud, **settings: Any) -> dict[str, str]:
    return actions(reaped(cloud, audit_bucket=BUCKET, **settings))


def restore(cloud: ReaperCloud, name: str) -> list[str]:
    steps: list[str] = []
    restoring.restore(cloud, lambda region: cloud, BUCKET, name, cloud.now, steps.append)
    return steps


def picture(cloud: ReaperCloud, name: str) -> dict[str, Any]:
    """All of an endpoint but the moments of its creation."""
    moments = ("CreationTime", "LastModifiedTime")
    components = [c for c in cloud.components.values() if c["EndpointName"] == name]
    return {
        "endpoint": {k: v for k, v in cloud.endpoints[name].items() if k not in moments},
        "config": cloud.configs[cloud.endpoints[name]["EndpointConfigName"]],
        "tags": cloud.tags[arn("endpoint", name)],
        "components": [{k: v for k, v in c.items() if k not in moments} for c in components],
        "component tags": [cloud.tags.get(c["InferenceComponentArn"], {}) for c in components],
        "targets": [t["ResourceId"] for t in cloud.targets],
        "policies": list(cloud.policies),
    }


def with_components(cloud: ReaperCloud) -> str:
    """An endpoint with a base component, its adapter, scaling, and own tags."""
    name = cloud.endpoint("idle", hosts_components=True, tags={"team": "funds"})
    cloud.component("base", name, age=280)
    cloud.component("tuned", name, age=200)
    specification = {
        "Container": {"DeployedImage": {"SpecifiedImage": "image:1"}, "Environment": {"A": "b"}},
        "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
    }
    adapter = {"BaseInferenceComponentName": "base", "Container": {"ArtifactUrl": "s3://b/model.tar.gz"}}
    cloud.components["base"] |= {"Specification": specification, "RuntimeConfig": _copies(2)}
    cloud.components["tuned"] |= {"Specification": adapter, "RuntimeConfig": _copies(1)}
    cloud.tags[arn("inference-component", "base")] = {"finexpert:project": "FinExpert"}
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "inference-component/base",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    cloud.targets = [{**target, "MinCapacity": 1, "MaxCapacity": 2, "CreationTime": cloud.now}]
    cloud.policies = [{**target, "PolicyName": "p", "PolicyType": "TargetTrackingScaling"}]
    return name


def _copies(number: int) -> dict[str, int]:
    return {"DesiredCopyCount": number, "CurrentCopyCount": 1}


def test_an_endpoint_with_components_comes_back_as_it_was(cloud: ReaperCloud) -> None:
    name = with_components(cloud)
    before = json.loads(json.dumps(picture(cloud, name), default=str))
    assert reap(cloud) == {name: "delete"} and not cloud.endpoints and not cloud.components
    cloud.policies.clear()
    restore(cloud, name)
    assert json.loads(json.dumps(picture(cloud, name), default=str)) == before
    creations = [name for name, _ in cloud.log if name.startswith(("Create", "Register", "Put"))]
    assert creations[-5:] == [
        "CreateEndpoint",
        "CreateInferenceComponent",
        "CreateInferenceComponent",
        "RegisterScalableTarget",
        "PutScalingPolicy",
    ]


def test_a_configuration_that_went_too_is_made_again(cloud: ReaperCloud) -> None:
    name = cloud.endpoint("idle", variants={"blue": 1, "green": 1})
    before = picture(cloud, name)
    reap(cloud)
    cloud.configs.clear()
    restore(cloud, name)
    after = picture(cloud, name)
    assert after["config"]["ProductionVariants"] == before["config"]["ProductionVariants"]
    assert after["endpoint"] == before["endpoint"]


def test_variants_get_the_instances_that_they_had(cloud: ReaperCloud) -> None:
    name = cloud.endpoint("idle", variants={"blue": 3, "green": 1})
    reap(cloud)
    restore(cloud, name)
    variants = cloud.endpoints[name]["ProductionVariants"]
    counts = {v["VariantName"]: v["CurrentInstanceCount"] for v in variants}
    assert counts == {"blue": 3, "green": 1}


def test_the_warning_and_a_keep_tag_that_is_over_do_not_come_back(cloud: ReaperCloud) -> None:
    name = cloud.endpoint("idle", tags={"finexpert:keep": "2026-11-20T09:00Z", "team": "funds"})
    warn = timedelta(minutes=30)
    assert reap(cloud, warn=warn) == {name: "warn"}
    cloud.now += minutes(31)
    assert reap(cloud, warn=warn) == {name: "delete"}
    restore(cloud, name)
    assert cloud.tags[arn("endpoint", name)] == {"team": "funds", "finexpert:project": "FinExpert"}


def test_what_is_restored_is_young_and_lives(cloud: ReaperCloud) -> None:
    name = cloud.endpoint("idle")
    reap(cloud)
    restore(cloud, name)
    cloud.now += minutes(30)
    assert reap(cloud) == {name: "keep"}
    cloud.now += minutes(60)
    assert reap(cloud) == {name: "delete"}, "and after a life without use it goes again"


def test_the_last_life_is_the_one_that_comes_back(cloud: ReaperCloud) -> None:
    for kind in ("ml.m5.xlarge", "ml.g5.2xlarge"):
        cloud.endpoint("idle", instance_type=kind)
        assert reap(cloud) == {"idle": "delete"}
        cloud.now += minutes(600)
    cloud.configs.clear()
    restore(cloud, "idle")
    assert cloud.configs["idle-config"]["ProductionVariants"][0]["InstanceType"] == "ml.g5.2xlarge"


def test_a_restore_that_broke_off_is_ended_by_the_same_command(cloud: ReaperCloud) -> None:
    name = with_components(cloud)
    reap(cloud)
    cloud.failures["CreateInferenceComponent"] = lambda request: (
        error("ResourceLimitExceeded", "no room") if request["InferenceComponentName"] == "tuned" else None
    )
    with pytest.raises(Exception, match="no room"):
        restore(cloud, name)
    cloud.failures.clear()
    steps = restore(cloud, name)
    assert set(cloud.components) == {"base", "tuned"} and "component tuned is in service" in steps
    assert len(cloud.called("CreateEndpoint")) == 1


def test_somebody_else_s_endpoint_of_the_name_is_left_alone(cloud: ReaperCloud) -> None:
    name = cloud.endpoint("idle")
    reap(cloud)
    cloud.endpoint("new")
    cloud.endpoints[name] = {**cloud.endpoints["new"], "EndpointName": name}
    with pytest.raises(UserError, match="exists with the configuration new-config"):
        restore(cloud, name)


def test_a_failed_creation_is_reported_with_its_reason(cloud: ReaperCloud) -> None:
    name = cloud.endpoint("idle")
    reap(cloud)

    def fail(operation: str, request: dict[str, Any]) -> None:
        if operation == "DescribeEndpoint" and name in cloud.endpoints:
            cloud.endpoints[name] |= {"EndpointStatus": "Failed", "FailureReason": "no capacity"}

    cloud.before = fail
    with pytest.raises(UserError, match="Failed: no capacity"):
        restore(cloud, name)


def test_no_snapshot_says_where_it_looked(cloud: ReaperCloud) -> None:
    with pytest.raises(UserError) as caught:
        restore(cloud, "never-was")
    assert caught.value.where == "s3://audit-bucket/audit/endpoints/never-was/"


def test_another_format_and_a_stack_s_endpoint_are_refused() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    with pytest.raises(SnapshotUnusable, match="format 1"):
        plan({"format": 2}, now)
    owned = {"format": 1, "endpoint": {}, "tags": {STACK_NAME_TAG: "Theirs"}}
    with pytest.raises(SnapshotUnusable, match="Theirs"):
        plan(owned, now)


class TestSnooze:
    def test_it_keeps_and_takes_the_deadline_off(self, cloud: ReaperCloud) -> None:
        name = cloud.endpoint("idle")
        reap(cloud, warn=timedelta(minutes=30))
        until = switch.snooze(cloud, name, 8, cloud.now)
        assert until == datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
        expected = {"finexpert:project": "FinExpert", "finexpert:keep": "2026-11-20T20:00Z"}
        assert cloud.tags[arn("endpoint", name)] == expected
        cloud.now += minutes(60)
        assert reap(cloud, warn=timedelta(minutes=30)) == {name: "keep"}

    def test_an_unknown_name_is_reported(self, cloud: ReaperCloud) -> None:
        with pytest.raises(UserError, match="no endpoint gone"):
            switch.snooze(cloud, "gone", 1, cloud.now)
