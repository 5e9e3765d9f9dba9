"""Hosting's switch: states, what UpdateStack is asked, and what is said when it cannot be."""

from dataclasses import replace

import pytest

from core.endpoint import hosting
from core.endpoint.hosting import HostingBusy, HostingError, HostingState
from tests.fakes.cloud import Cloud, error

STACK = "FinExpert-Hosting"
ARTIFACT = "s3://b/runs/r/output/model.tar.gz"


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.mark.parametrize(
    ("status", "artifact", "state"),
    [
        ("CREATE_COMPLETE", "", HostingState.ASLEEP),
        ("UPDATE_COMPLETE", ARTIFACT, HostingState.AWAKE),
        ("UPDATE_COMPLETE", hosting.BASE, HostingState.AWAKE),
        ("UPDATE_IN_PROGRESS", hosting.BASE, HostingState.WAKING),
        ("UPDATE_ROLLBACK_COMPLETE", "", HostingState.ASLEEP),
        ("UPDATE_IN_PROGRESS", ARTIFACT, HostingState.WAKING),
        ("UPDATE_IN_PROGRESS", "", HostingState.GOING_TO_SLEEP),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "", HostingState.GOING_TO_SLEEP),
        ("UPDATE_ROLLBACK_IN_PROGRESS", ARTIFACT, HostingState.BUSY),
        ("UPDATE_ROLLBACK_FAILED", "", HostingState.BROKEN),
        ("ROLLBACK_COMPLETE", "", HostingState.BROKEN),
        ("DELETE_IN_PROGRESS", ARTIFACT, HostingState.BUSY),
        ("DELETE_COMPLETE", "", HostingState.ABSENT),
        ("REVIEW_IN_PROGRESS", "", HostingState.ABSENT),
    ],
)
def test_states(status: str, artifact: str, state: HostingState) -> None:
    assert hosting.state_of(status, artifact) is state


@pytest.mark.parametrize("artifact", [ARTIFACT, "base"])
def test_waking_changes_the_one_parameter_and_keeps_all_others(cloud: Cloud, artifact: str) -> None:
    cloud.stack(STACK)
    assert hosting.wake(cloud("cloudformation"), STACK, artifact).state is HostingState.WAKING
    [request] = cloud.called("UpdateStack")
    assert request["UsePreviousTemplate"] is True
    assert request["Parameters"] == [
        {"ParameterKey": "ModelArtifact", "ParameterValue": artifact},
        {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
    ]


def test_what_is_already_so_needs_no_update(cloud: Cloud) -> None:
    cloud.stack(STACK)
    assert hosting.sleep(cloud("cloudformation"), STACK).state is HostingState.ASLEEP
    cloud.stack("Awake", artifact=ARTIFACT)
    assert hosting.wake(cloud("cloudformation"), "Awake", ARTIFACT).state is HostingState.AWAKE
    assert not cloud.called("UpdateStack")


def test_no_updates_is_no_error(cloud: Cloud) -> None:
    cloud.stack(STACK)
    cloud.failures["UpdateStack"] = error("ValidationError", "No updates are to be performed.")
    assert hosting.wake(cloud("cloudformation"), STACK, ARTIFACT).state is HostingState.ASLEEP


def test_an_absent_stack_is_asleep_enough_but_cannot_wake(cloud: Cloud) -> None:
    assert hosting.sleep(cloud("cloudformation"), STACK).state is HostingState.ABSENT
    with pytest.raises(HostingError, match="deploy the app first"):
        hosting.wake(cloud("cloudformation"), STACK, ARTIFACT)


def test_a_change_under_way_is_busy_and_can_be_cancelled(cloud: Cloud) -> None:
    cloud.stack(STACK, artifact=ARTIFACT, status="UPDATE_IN_PROGRESS")
    with pytest.raises(HostingBusy, match="waking"):
        hosting.sleep(cloud("cloudformation"), STACK)
    with pytest.raises(HostingBusy, match="cancelled"):
        hosting.sleep(cloud("cloudformation"), STACK, cancel=True)
    assert cloud.stacks[STACK]["StackStatus"] == "UPDATE_ROLLBACK_IN_PROGRESS"


def test_someone_else_s_update_that_slipped_in_is_busy(cloud: Cloud) -> None:
    cloud.stack(STACK)
    refusal = "Stack is in UPDATE_IN_PROGRESS state and can not be updated."
    cloud.failures["UpdateStack"] = error("ValidationError", refusal)
    with pytest.raises(HostingBusy):
        hosting.wake(cloud("cloudformation"), STACK, ARTIFACT)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("ROLLBACK_COMPLETE", "delete the stack")],
)
def test_a_broken_stack_says_how_to_repair_it(cloud: Cloud, status: str, remedy: str) -> None:
    cloud.stack(STACK, status=status)
    with pytest.raises(HostingError, match=remedy):
        hosting.wake(cloud("cloudformation"), STACK, ARTIFACT)


def test_a_wrong_uri_is_refused_before_any_call(cloud: Cloud) -> None:
    with pytest.raises(HostingError, match="not an S3 URI"):
        hosting.wake(cloud("cloudformation"), STACK, "model.tar.gz")
    assert not cloud.log


class TestWait:
    def test_it_tells_its_progress_and_ends_when_settled(self, cloud: Cloud) -> None:
        cloud.stack(STACK, artifact=ARTIFACT, status="UPDATE_IN_PROGRESS")
        seen: list[str] = []

        def pause(_: float) -> None:
            if len(seen) == 3:
                cloud.stacks[STACK]["StackStatus"] = "UPDATE_COMPLETE"

        result = hosting.wait(
            cloud("cloudformation"),
            STACK,
            HostingState.AWAKE,
            progress=lambda now, seconds: seen.append(now.state),
            pause=pause,
        )
        assert result.state is HostingState.AWAKE
        assert seen == ["waking"] * 3 + ["awake"]

    def test_a_roll_back_raises_with_the_first_cause(self, cloud: Cloud) -> None:
        cloud.stack(STACK, status="UPDATE_ROLLBACK_COMPLETE")
        cloud.changed(
            STACK,
            ("Tuned", "CREATE_FAILED", "Resource creation cancelled"),
            ("Endpoint", "CREATE_FAILED", "did not pass the ping health check"),
            (STACK, "UPDATE_IN_PROGRESS", "User Initiated"),
        )
        with pytest.raises(HostingError, match="Endpoint: did not pass the ping health check"):
            hosting.wait(cloud("cloudformation"), STACK, HostingState.AWAKE)

    def test_it_does_not_wait_for_ever(self, cloud: Cloud) -> None:
        cloud.stack(STACK, artifact=ARTIFACT, status="UPDATE_IN_PROGRESS")
        clock = iter(range(0, 10_000, 100))
        with pytest.raises(HostingError, match="still waking"):
            hosting.wait(
                cloud("cloudformation"),
                STACK,
                HostingState.AWAKE,
                seconds=500,
                pause=lambda _: None,
                clock=lambda: float(next(clock)),
            )


def test_the_switching_role_is_the_one_that_the_stack_names() -> None:
    arn = "arn:aws:iam::111122223333:role/teams/finance/FinExpert-Hosting-us-east-1"
    stack_id = "arn:aws:cloudformation:us-east-1:111122223333:stack/FinExpert-Hosting/uuid"
    named = hosting.Hosting(
        stack="FinExpert-Hosting",
        state=hosting.HostingState.ASLEEP,
        stack_id=stack_id,
        outputs={"SwitchingRoleArn": arn},
    )
    assert named.role_arn == arn
    assert replace(named, outputs={}).role_arn == arn.replace("teams/finance/", "")
