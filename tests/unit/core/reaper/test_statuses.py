"""Every status that AWS lists has a decision, and none that does not pass goes unnoticed."""

from datetime import timedelta

import pytest

from core.reaper.hanging import COMPONENT_LIMITS, ENDPOINT_LIMITS
from core.reaper.rules.components import SETTLED
from core.reaper.rules.status import DELETABLE
from tests.fakes.cloud import Cloud, service_model
from tests.unit.core.reaper.reaping import TOPIC, reaped

ENDPOINT_STATUSES = list(service_model("sagemaker").shape_for("EndpointStatus").enum)
COMPONENT_STATUSES = set(service_model("sagemaker").shape_for("InferenceComponentStatus").enum)


def test_each_status_is_deletable_or_has_its_limit() -> None:
    assert {*DELETABLE, *ENDPOINT_LIMITS} == set(ENDPOINT_STATUSES)
    assert not set(DELETABLE) & set(ENDPOINT_LIMITS)
    assert {*SETTLED, *COMPONENT_LIMITS} == COMPONENT_STATUSES
    assert not set(SETTLED) & set(COMPONENT_LIMITS)


@pytest.mark.parametrize("status", [*ENDPOINT_STATUSES, "InventedTomorrow"])
def test_an_idle_endpoint_is_deleted_or_people_are_informed(status: str) -> None:
    cloud = Cloud()
    cloud.endpoint("x", age=30 * 24 * 60, status=status)
    answer = reaped(cloud, topic_arn=TOPIC)
    assert any("x" in message["Message"] for message in cloud.messages), f"30 days in {status}: no message"
    if status in DELETABLE:
        assert "x" not in cloud.endpoints
    else:
        assert "x" in cloud.endpoints and any(name == "StuckResources" for _, name, _ in cloud.points)
        assert "stuck" in answer["decisions"][0]["evidence"]


@pytest.mark.parametrize("status", sorted(set(ENDPOINT_STATUSES) - set(DELETABLE)))
def test_a_status_that_has_just_begun_raises_no_alarm(status: str) -> None:
    cloud = Cloud()
    cloud.endpoint("x", age=30 * 24 * 60, modified=30, status=status)
    if status == "Creating":
        cloud.endpoints["x"]["CreationTime"] = cloud.now - timedelta(minutes=30)
    reaped(cloud, topic_arn=TOPIC)
    assert not cloud.messages


@pytest.mark.parametrize("status", [*sorted(COMPONENT_STATUSES), "InventedTomorrow"])
def test_a_component_that_changes_keeps_its_endpoint_and_is_reported(status: str) -> None:
    cloud = Cloud()
    cloud.endpoint("x", age=30 * 24 * 60)
    cloud.component("c", "x", status=status, age=30 * 24 * 60)
    reaped(cloud, topic_arn=TOPIC)
    assert ("x" in cloud.endpoints) == (status not in SETTLED)
    assert any("c has been in" in message["Message"] for message in cloud.messages) == (status not in SETTLED)
