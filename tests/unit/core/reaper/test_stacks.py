"""Endpoints of stacks: Hosting's is put to sleep, those of other stacks are only reported."""

from datetime import timedelta

import pytest

from core.names import STACK_NAME_TAG, STACK_TAG
from tests.fakes.cloud import REFUSALS, Cloud, arn, error, minutes
from tests.unit.core.reaper.reaping import decided, reaped


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


class TestHosting:
    STACK = "FinExpert-Hosting"

    def awake(self, cloud: Cloud, artifact: str = "s3://b/model.tar.gz", **tags: str) -> None:
        cloud.endpoint("finexpert", hosts_components=True, tags=tags)
        cloud.component("finexpert-base", "finexpert")
        cloud.stack(self.STACK, artifact=artifact, EndpointName="finexpert")

    @pytest.mark.parametrize("tag", [STACK_TAG, STACK_NAME_TAG])
    @pytest.mark.parametrize("artifact", ["s3://b/model.tar.gz", "base"])
    def test_its_endpoint_sleeps_by_its_parameter(self, cloud: Cloud, artifact: str, tag: str) -> None:
        self.awake(cloud, artifact, **{tag: self.STACK})
        decision = decided(cloud, hosting_stack=self.STACK)["finexpert"]
        assert decision["action"] == "delete" and "put to sleep" in decision["reason"]
        [request] = cloud.called("UpdateStack")
        assert {"ParameterKey": "ModelArtifact", "ParameterValue": ""} in request["Parameters"]
        assert not cloud.called("DeleteEndpoint") and not cloud.called("DeleteInferenceComponent")

    def test_it_is_known_by_the_outputs_where_tags_are_missing(self, cloud: Cloud) -> None:
        self.awake(cloud)
        decided(cloud, hosting_stack=self.STACK)
        assert cloud.called("UpdateStack") and not cloud.called("DeleteEndpoint")

    def test_a_component_in_use_keeps_it(self, cloud: Cloud) -> None:
        self.awake(cloud)
        cloud.metric("Invocations", 3, InferenceComponentName="finexpert-base")
        assert decided(cloud, hosting_stack=self.STACK)["finexpert"]["action"] == "keep"

    def test_a_second_run_while_it_goes_to_sleep_waits(self, cloud: Cloud) -> None:
        self.awake(cloud)
        decided(cloud, hosting_stack=self.STACK)
        decision = decided(cloud, hosting_stack=self.STACK)["finexpert"]
        assert decision["action"] == "keep" and "going to sleep" in decision["reason"]

    def test_a_broken_stack_s_endpoint_goes_directly(self, cloud: Cloud) -> None:
        self.awake(cloud)
        cloud.stacks[self.STACK]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
        decision = decided(cloud, hosting_stack=self.STACK)["finexpert"]
        assert decision["action"] == "delete" and "delete it and deploy it again" in decision["reason"]
        assert not cloud.endpoints

    @pytest.mark.parametrize("refusal", REFUSALS)
    def test_where_cloudformation_refuses_it_goes_directly(self, cloud: Cloud, refusal: str) -> None:
        self.awake(cloud)
        cloud.failures["UpdateStack"] = error("ValidationError", refusal)
        decision = decided(cloud, hosting_stack=self.STACK)["finexpert"]
        assert decision["action"] == "delete" and "`finexpert wake` repairs it" in decision["reason"]
        assert not cloud.endpoints and not cloud.components

    def test_an_endpoint_that_outlived_its_sleep_is_finished(self, cloud: Cloud) -> None:
        self.awake(cloud, artifact="")  # CloudFormation gave up its deletion and says asleep
        decision = decided(cloud, hosting_stack=self.STACK)["finexpert"]
        assert decision["action"] == "delete" and "still there" in decision["reason"]
        assert not cloud.endpoints

    def test_an_unreadable_stack_keeps_what_may_be_its_own(self, cloud: Cloud) -> None:
        self.awake(cloud)
        cloud.failures["DescribeStacks"] = error("AccessDenied", "no")
        assert decided(cloud, hosting_stack=self.STACK)["finexpert"]["action"] == "keep"
        assert not reaped(cloud, hosting_stack=self.STACK)["complete"]

    def test_a_stack_that_does_not_exist_protects_nothing(self, cloud: Cloud) -> None:
        cloud.endpoint("idle")
        assert decided(cloud, hosting_stack=self.STACK)["idle"]["action"] == "delete"


def test_people_are_informed_of_foreign_stacks_once_a_day(cloud: Cloud) -> None:
    cloud.endpoint("theirs", tags={STACK_NAME_TAG: "TheirStack"})
    for _ in range(3):
        assert decided(cloud)["theirs"]["action"] == "notify"
        cloud.now += minutes(5)
    assert len(cloud.messages) == 1
    cloud.now += timedelta(hours=24)
    decided(cloud)
    assert len(cloud.messages) == 2


class TestAnotherStack:
    """CloudFormation puts no tags on endpoints, so it is asked before one is deleted."""

    def test_its_endpoint_is_only_reported(self, cloud: Cloud) -> None:
        cloud.endpoint("theirs")
        cloud.owners[arn("endpoint", "theirs")] = "TheirStack"
        decision = decided(cloud, ask_stacks=True)["theirs"]
        assert decision["action"] == "notify" and "TheirStack owns it" in decision["reason"]
        assert "theirs" in cloud.endpoints and not cloud.called("DeleteEndpoint")

    def test_an_endpoint_of_no_stack_is_deleted(self, cloud: Cloud) -> None:
        cloud.endpoint("mine")
        assert decided(cloud, ask_stacks=True)["mine"]["action"] == "delete"
        assert "mine" not in cloud.endpoints

    def test_without_an_answer_nothing_is_deleted(self, cloud: Cloud) -> None:
        cloud.endpoint("mine")
        cloud.failures["DescribeStackResources"] = error("AccessDenied", "no")
        assert decided(cloud, ask_stacks=True)["mine"]["action"] == "keep"
        assert "mine" in cloud.endpoints and not reaped(cloud, ask_stacks=True)["complete"]
