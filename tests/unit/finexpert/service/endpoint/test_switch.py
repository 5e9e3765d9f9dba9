"""Sleep and wake of a stack that CloudFormation will not change, or that does not fit its endpoint."""

from typing import Any

import pytest

from core.endpoint.hosting import HostingBusy, HostingError, HostingState
from core.endpoint.sleeping import Way
from core.endpoint.waking import ModelUnanswered
from finexpert.service.endpoint import artifacts, switch
from tests.fakes import deployment as fakes
from tests.fakes.cloud import REFUSALS, Cloud, error

STACK, ARTIFACT = "FinExpert-Hosting", "s3://b/runs/r/output/model.tar.gz"


class Ending(Cloud):
    """A cloud in which every update of a stack has ended when it is looked at."""

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        for stack in self.stacks.values():
            if stack["StackStatus"] == "UPDATE_IN_PROGRESS":
                stack["StackStatus"] = "UPDATE_COMPLETE"
        return super().describe_stacks(StackName)

    @property
    def artifact(self) -> str:
        return str(self.stacks[STACK]["Parameters"][0]["ParameterValue"])

    @property
    def asked(self) -> list[str]:
        """The artifact of each update that was asked for."""
        return [request["Parameters"][0]["ParameterValue"] for request in self.called("UpdateStack")]


@pytest.fixture(autouse=True)
def accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's adapter that may be served."""
    monkeypatch.setattr(artifacts, "wanted", lambda deployment, run, **how: ARTIFACT)


@pytest.fixture
def cloud() -> Ending:
    made = Ending()
    made.stack(STACK, artifact=ARTIFACT, EndpointName="finexpert")
    made.endpoint("finexpert", age=600)
    return made


def deployment(cloud: Cloud) -> Any:
    return fakes.deployment(lambda service, region=None: cloud(service), hosting="components")


def quietly(state: Any, seconds: float) -> None:
    """Shows nothing."""


@pytest.mark.parametrize("refusal", REFUSALS)
def test_sleep_has_a_second_way_and_says_that_the_stack_has_drifted(cloud: Ending, refusal: str) -> None:
    cloud.failures["UpdateStack"] = error("ValidationError", refusal)
    slept = switch.sleep(deployment(cloud), progress=quietly)
    assert slept.way is Way.DIRECTLY and "drifted" in slept.done and not cloud.endpoints


def test_sleep_finishes_what_cloudformation_gave_up(cloud: Ending) -> None:
    slept = switch.sleep(deployment(cloud), progress=quietly)  # the stack says asleep, the endpoint stays
    assert slept.way is Way.DIRECTLY and cloud.artifact == "" and not cloud.endpoints


def test_sleep_that_removes_nothing_is_an_error(cloud: Ending) -> None:
    cloud.failures["UpdateStack"] = error("ValidationError", REFUSALS[0])
    cloud.failures["DeleteEndpoint"] = error("AccessDeniedException", "no")
    with pytest.raises(HostingError, match="still bills"):
        switch.sleep(deployment(cloud), progress=quietly)


def test_wake_repairs_a_stack_whose_endpoint_was_deleted_directly(cloud: Ending) -> None:
    cloud.endpoints.clear()
    woken = switch.wake_base(deployment(cloud), progress=quietly)
    assert cloud.asked == ["", "base"] and woken.state is HostingState.AWAKE


def test_wake_of_the_same_artifact_repairs_too(cloud: Ending) -> None:
    cloud.endpoints.clear()
    switch.wake(deployment(cloud), None, progress=quietly)
    assert cloud.asked == ["", ARTIFACT]


def test_the_page_begins_the_repair_and_says_so(cloud: Ending) -> None:
    cloud.endpoints.clear()
    with pytest.raises(HostingBusy, match="being repaired"):
        switch.begin_wake(deployment(cloud), None)
    switch.begin_wake(deployment(cloud), None)
    assert cloud.artifact == ARTIFACT


def test_wake_removes_an_endpoint_that_outlived_its_sleep(cloud: Ending) -> None:
    cloud.stacks[STACK]["Parameters"][0]["ParameterValue"] = ""
    switch.wake_base(deployment(cloud), progress=quietly)
    assert cloud.called("DeleteEndpoint") and cloud.artifact == "base"


class Slow(Ending):
    """A cloud that takes a while to delete an endpoint: its name is taken until then."""

    looks = 0

    def delete_endpoint(self, EndpointName: str) -> None:
        self.endpoints[EndpointName]["EndpointStatus"] = "Deleting"

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        if self.endpoints and self.endpoints[EndpointName]["EndpointStatus"] == "Deleting":
            self.looks += 1
            if self.looks > 4:
                self.endpoints.clear()
        return super().describe_endpoint(EndpointName)

    def update_stack(self, StackName: str, Parameters: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        assert not self.endpoints, "Cannot create already existing endpoint"
        return super().update_stack(StackName, Parameters, **more)


def test_wake_waits_until_an_endpoint_of_this_name_is_deleted() -> None:
    cloud = Slow()
    cloud.stack(STACK, EndpointName="finexpert")
    cloud.endpoint("finexpert", age=600)
    with pytest.raises(HostingBusy, match="still being deleted"):
        switch.begin_wake(deployment(cloud), None)
    switch.wake_base(deployment(cloud), progress=quietly)
    assert cloud.artifact == "base"


def test_wake_removes_an_adapter_left_by_an_update(cloud: Ending) -> None:
    cloud.stacks[STACK]["Parameters"][0]["ParameterValue"] = "base"
    cloud.component("finexpert-base", "finexpert")
    cloud.component("finexpert-tuned", "finexpert")
    cloud.component_delay = 2
    switch.wake(deployment(cloud), None, progress=quietly)
    assert list(cloud.components) == ["finexpert-base"] and cloud.artifact == ARTIFACT


def test_an_awake_endpoint_is_left_as_it_is(cloud: Ending) -> None:
    switch.wake_base(deployment(cloud), progress=quietly)
    assert cloud.asked == ["base"] and "finexpert" in cloud.endpoints


def test_a_wake_whose_model_is_silent_ends_asleep(cloud: Ending) -> None:
    cloud.answers["finexpert-tuned"] = {"error": "Adapter is not loaded"}
    with pytest.raises(ModelUnanswered, match="not loaded"):
        switch.wake(deployment(cloud), None, progress=quietly)
    assert cloud.artifact == ""


class Settling(Ending):
    """A cloud whose first wake is rolled back: the adapter's component came while the endpoint settled."""

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        stack = self.stacks[STACK]
        if stack["StackStatus"] == "UPDATE_IN_PROGRESS" and len(self.called("UpdateStack")) == 1:
            stack["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
            stack["Parameters"][0]["ParameterValue"] = ""
            event = {"LogicalResourceId": "ComponentsTuned1", "ResourceType": "AWS::SageMaker::X"}
            failed = {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "Updating"}
            self.events[stack["StackId"]] = [event | failed]
        return super().describe_stacks(StackName)


def test_a_wake_whose_adapter_came_too_early_is_tried_once_more() -> None:
    cloud = Settling()
    cloud.stack(STACK, EndpointName="finexpert")
    assert switch.wake(deployment(cloud), None, progress=quietly).state is HostingState.AWAKE
    assert len(cloud.called("UpdateStack")) == 2 and cloud.artifact == ARTIFACT
