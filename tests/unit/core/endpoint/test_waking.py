"""A wake ends with one question to each model; an endpoint that does not answer goes back to sleep."""

import json
from typing import Any

import pytest

from core.endpoint import waking
from core.endpoint.hosting import BASE
from core.endpoint.waking import ModelUnanswered, Outcome
from core.names import Names
from lambdas.finish_wake import handler as finish_wake
from tests.fakes.cloud import Cloud, error

NAMES = Names(project="FinExpert", region="us-east-1")
STACK, ARTIFACT = NAMES.stack("Hosting"), "s3://b/runs/r/output/model.tar.gz"
ASKED = "InvokeEndpointWithResponseStream"


def awake(artifact: str = ARTIFACT) -> Cloud:
    cloud = Cloud()
    cloud.stack(STACK, artifact=artifact, EndpointName=NAMES.endpoint)
    cloud.endpoint(NAMES.endpoint)
    return cloud


def finish(cloud: Cloud, **more: Any) -> Outcome:
    return waking.finish(cloud, NAMES, merged=more.pop("merged", False), pause=lambda _: None, **more)


def rolled_back(failed: str) -> Cloud:
    """A wake that was rolled back because a resource could not be made."""
    cloud = Cloud()
    cloud.stack(STACK, status="UPDATE_ROLLBACK_COMPLETE")
    begun, earlier = (STACK, "UPDATE_IN_PROGRESS", ""), ("ComponentsTuned1", "CREATE_FAILED", "as it is")
    cloud.changed(STACK, (failed, "CREATE_FAILED", "as it is"), begun, earlier)
    return cloud


def artifact_of(cloud: Cloud) -> str:
    return str(cloud.stacks[STACK]["Parameters"][0]["ParameterValue"])


@pytest.mark.parametrize(
    ("artifact", "merged", "asked"),
    [
        (ARTIFACT, False, ["finexpert-base", "finexpert-tuned"]),
        (BASE, False, ["finexpert-base"]),
        (ARTIFACT, True, [None]),
    ],
)
def test_each_model_is_asked_once(artifact: str, merged: bool, asked: list[str | None]) -> None:
    cloud = awake(artifact)
    assert finish(cloud, merged=merged) is Outcome.AWAKE
    assert [request.get("InferenceComponentName") for request in cloud.called(ASKED)] == asked


@pytest.mark.parametrize("silent", ["finexpert-base", "finexpert-tuned"])
def test_a_model_that_does_not_answer_is_named_and_the_endpoint_sleeps(silent: str) -> None:
    cloud = awake()
    cloud.failures[ASKED] = lambda request: (
        error("ModelError", "Adapter is not loaded") if request["InferenceComponentName"] == silent else None
    )
    with pytest.raises(ModelUnanswered, match=f"the {silent[10:]} model does not answer.*not loaded"):
        finish(cloud)
    assert artifact_of(cloud) == ""


def test_an_error_line_is_no_answer() -> None:
    cloud = awake()
    cloud.answers["finexpert-tuned"] = {"error": "no such adapter", "code": 424}
    with pytest.raises(ModelUnanswered, match="no such adapter"):
        finish(cloud)


def test_a_model_that_answers_late_is_asked_again() -> None:
    cloud = awake()
    busy = error("ModelError", "timed out")
    cloud.failures[ASKED] = lambda _: busy if len(cloud.called(ASKED)) < 3 else None
    finish(cloud)
    assert artifact_of(cloud) == ARTIFACT


def test_an_endpoint_that_cannot_be_put_to_sleep_is_said_to_bill() -> None:
    cloud = awake()
    cloud.failures[ASKED] = error("ModelError", "no")
    cloud.failures["UpdateStack"] = error("AccessDenied", "no")
    cloud.failures["DeleteEndpoint"] = error("AccessDeniedException", "no")
    with pytest.raises(ModelUnanswered, match="still bills"):
        finish(cloud)


def test_an_endpoint_that_is_not_awake_is_not_asked() -> None:
    cloud = awake("")
    assert finish(cloud) is Outcome.FAILED
    assert not cloud.called(ASKED)


def test_an_adapter_that_was_refused_while_the_endpoint_settled_gets_a_second_try() -> None:
    cloud = rolled_back("ComponentsTuned1")
    assert finish(cloud, artifact=ARTIFACT) is Outcome.AGAIN
    assert finish(cloud, artifact=ARTIFACT, again=True) is Outcome.FAILED


def test_a_base_that_does_not_start_gets_no_second_try() -> None:
    assert finish(rolled_back("ComponentsBase1"), artifact=ARTIFACT) is Outcome.FAILED


def test_an_older_adapter_that_still_serves_is_no_success_of_the_new_one() -> None:
    cloud = awake()
    assert finish(cloud, artifact="s3://b/runs/new/output/model.tar.gz") is Outcome.FAILED
    assert finish(cloud, artifact=ARTIFACT) is Outcome.AWAKE


def test_the_function_answers_with_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = awake()
    monkeypatch.setattr(finish_wake, "AwsClients", lambda region: cloud)
    for name, value in {"PROJECT": "FinExpert", "HOSTING": "components", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    answer = finish_wake.handler({"artifact": ARTIFACT, "again": False})
    assert json.loads(json.dumps(answer)) == {"outcome": "awake"}
