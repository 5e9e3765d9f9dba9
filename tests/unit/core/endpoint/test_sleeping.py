"""Putting Hosting's endpoint to sleep: nothing of it bills in the end, also where CloudFormation fails."""

from datetime import timedelta

import pytest

from core.endpoint.sleeping import LONGEST_CHANGE, Slept, Way, put_to_sleep
from core.guard.stopping import Stopped, stop_all
from tests.fakes.cloud import REFUSALS, Cloud, error, minutes

STACK, ARTIFACT = "FinExpert-Hosting", "s3://b/m.tar.gz"


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud()
    made.stack(STACK, artifact=ARTIFACT, EndpointName="finexpert")
    made.endpoint("finexpert", age=600, hosts_components=True)  # without CloudFormation's tags, as on AWS
    made.component("finexpert-base", "finexpert")
    return made


def sleep(cloud: Cloud, *, cancel: bool = False) -> Slept:
    return put_to_sleep(
        cloud,
        project="FinExpert",
        stack=STACK,
        now=cloud.now,
        cancel=cancel,
        seconds=30,
        pause=lambda _: None,
    )


def stop(cloud: Cloud) -> Stopped:
    return stop_all(
        cloud,
        project="FinExpert",
        hosting_stack=STACK,
        endpoints=[],
        seconds=30,
        now=cloud.now,
        pause=lambda _: None,
    )


def test_a_willing_stack_does_it(cloud: Cloud) -> None:
    assert sleep(cloud).way is Way.STACK
    assert cloud.called("UpdateStack") and not cloud.called("DeleteEndpoint")
    assert sleep(cloud).way is Way.UNDER_WAY


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_has_a_second_way(cloud: Cloud, refusal: str) -> None:
    cloud.failures["UpdateStack"] = error("ValidationError", refusal)
    slept = sleep(cloud)
    assert slept.way is Way.DIRECTLY and not cloud.endpoints and not cloud.components
    assert "has drifted" in slept.done and "finexpert wake" in slept.done
    assert sleep(cloud).way is Way.NOTHING, "the second time there is nothing left"


@pytest.mark.parametrize("operation", ["DescribeStacks", "UpdateStack"])
def test_a_role_that_may_not_ask_cloudformation_has_a_second_way(cloud: Cloud, operation: str) -> None:
    cloud.failures[operation] = error("AccessDenied", "explicit deny in a service control policy")
    assert sleep(cloud).way is Way.DIRECTLY and not cloud.endpoints


@pytest.mark.parametrize("operation", ["DescribeStacks", "UpdateStack"])
def test_what_passes_by_waiting_is_tried_again(cloud: Cloud, operation: str) -> None:
    cloud.failures[operation] = error("Throttling", "Rate exceeded")
    assert sleep(cloud).way is Way.BUSY and "finexpert" in cloud.endpoints


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE"])
def test_a_broken_stack_has_a_second_way(cloud: Cloud, status: str) -> None:
    cloud.stacks[STACK]["StackStatus"] = status
    slept = sleep(cloud)
    assert slept.way is Way.DIRECTLY and "deploy it again" in slept.done


@pytest.mark.parametrize("gone", [True, False])
def test_what_outlived_its_stack_s_sleep_is_finished(cloud: Cloud, gone: bool) -> None:
    """CloudFormation gives up a deletion that fails three times, and says that all is well."""
    cloud.stacks[STACK]["Parameters"][0]["ParameterValue"] = ""
    if gone:
        cloud.stacks.clear()
    slept = sleep(cloud)
    assert slept.way is Way.DIRECTLY and "still there" in slept.done and "drifted" not in slept.done
    assert sleep(cloud).way is Way.NOTHING


@pytest.mark.parametrize(
    "status", ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_IN_PROGRESS"]
)
def test_a_change_that_never_ends_is_not_waited_for_at_the_limit(cloud: Cloud, status: str) -> None:
    cloud.stacks[STACK] |= {"StackStatus": status, "LastUpdatedTime": cloud.now}
    stop(cloud)
    assert "finexpert" in cloud.endpoints, "a change that has just begun may end well"
    cloud.now += LONGEST_CHANGE + minutes(1)
    assert "deleted directly" in stop(cloud).done[0] and not cloud.endpoints


def test_another_project_s_endpoint_of_this_name_stays(cloud: Cloud) -> None:
    cloud.endpoint("finexpert", project="Theirs")
    cloud.failures["UpdateStack"] = error("ValidationError", REFUSALS[0])
    assert sleep(cloud).way is Way.NOTHING and "finexpert" in cloud.endpoints


def test_components_that_take_longer_are_no_failure_and_the_next_call_ends_it(cloud: Cloud) -> None:
    cloud.component("finexpert-base", "finexpert")
    cloud.component_delay = 3
    cloud.failures["UpdateStack"] = error("AccessDenied", "no")
    slept = put_to_sleep(cloud, project="FinExpert", stack=STACK, seconds=0, pause=lambda _: None)
    assert slept.way is Way.BUSY and "still being deleted" in slept.problem
    again = put_to_sleep(cloud, project="FinExpert", stack=STACK, pause=lambda _: None)
    assert again.way is Way.DIRECTLY and not cloud.endpoints


def test_what_cannot_be_deleted_either_is_a_problem(cloud: Cloud) -> None:
    cloud.failures["UpdateStack"] = error("ValidationError", REFUSALS[0])
    cloud.failures["DeleteEndpoint"] = error("AccessDeniedException", "no")
    slept = sleep(cloud)
    assert slept.way is Way.FAILED and "still bills" in slept.problem and "parameter store" in slept.problem


def test_a_wake_that_is_cancelled_is_asked_for_again_until_it_is_over(cloud: Cloud) -> None:
    cloud.stacks[STACK] |= {"StackStatus": "UPDATE_IN_PROGRESS", "LastUpdatedTime": cloud.now}
    assert sleep(cloud, cancel=True).way is Way.BUSY and cloud.called("CancelUpdateStack")
    cloud.stacks[STACK]["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
    cloud.now += timedelta(minutes=5)
    assert sleep(cloud, cancel=True).way is Way.STACK
