"""Events of a stack that wakes, sleeps and wakes again are called as on AWS."""

import pytest

from localcloud.stack_events import STACK, is_unreported_removal, resource_status


def history(*statuses: str) -> list[dict[str, str]]:
    return [{"LogicalResourceId": "Endpoint", "ResourceStatus": status} for status in statuses]


@pytest.mark.parametrize(
    ("status", "earlier", "called"),
    [
        ("UPDATE_IN_PROGRESS", [], "CREATE_IN_PROGRESS"),
        ("UPDATE_COMPLETE", ["CREATE_IN_PROGRESS"], "CREATE_COMPLETE"),
        ("UPDATE_FAILED", ["CREATE_IN_PROGRESS"], "CREATE_FAILED"),
        ("UPDATE_IN_PROGRESS", ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"], "UPDATE_IN_PROGRESS"),
        ("UPDATE_COMPLETE", ["CREATE_COMPLETE", "UPDATE_IN_PROGRESS"], "UPDATE_COMPLETE"),
        ("DELETE_IN_PROGRESS", ["CREATE_COMPLETE"], "DELETE_IN_PROGRESS"),
        ("UPDATE_IN_PROGRESS", ["CREATE_COMPLETE", "DELETE_COMPLETE"], "CREATE_IN_PROGRESS"),
        ("UPDATE_IN_PROGRESS", ["CREATE_IN_PROGRESS", "CREATE_FAILED"], "CREATE_IN_PROGRESS"),
    ],
)
def test_a_resource_that_was_not_there_is_created(status: str, earlier: list[str], called: str) -> None:
    assert resource_status(status, "AWS::SageMaker::Endpoint", "Endpoint", history(*earlier)) == called


def test_the_stack_itself_is_updated_and_other_resources_say_nothing_of_this_one() -> None:
    others = [{"LogicalResourceId": "Model", "ResourceStatus": "CREATE_COMPLETE"}]
    assert resource_status("UPDATE_IN_PROGRESS", STACK, "Hosting", others) == "UPDATE_IN_PROGRESS"
    model = "AWS::SageMaker::Model"
    assert resource_status("UPDATE_IN_PROGRESS", model, "Two", others) == "CREATE_IN_PROGRESS"


@pytest.mark.parametrize(
    ("physical_id", "status", "unreported"),
    [
        ("old", "CREATE_COMPLETE", True),
        ("old", "DELETE_IN_PROGRESS", False),
        ("predecessor", "UPDATE_COMPLETE", False),
    ],
)
def test_only_what_an_update_removes_is_reported_here(
    physical_id: str, status: str, unreported: bool
) -> None:
    events = [{"LogicalResourceId": "Endpoint", "ResourceStatus": status, "PhysicalResourceId": "old"}]
    assert is_unreported_removal(physical_id, "Endpoint", events) is unreported
