"""Functions work under the rights that they were deployed with, and without one of them they fail aloud.

Each right that a call needs is taken away in turn, the call is repeated, and its error must name the right.
tests/matrix/iam does this for every right of every role, over the whole life of the app.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.guardrails.guarded_app import App, actions_of

POLICY = "Permissions"
Event = Callable[[App], dict[str, Any]]
DATASET = {"documents": 9, "bytes": 9000, "tokens_estimated": 2000, "optimizer_steps": 2, "warnings": []}


def a_dataset(app: App) -> dict[str, Any]:
    return {"dataset": app.upload(), "hyperparameters": {}}


def a_job(app: App) -> dict[str, Any]:
    return {"job": "finexpert-1", "spot": False, "dataset": DATASET}


def an_aborted_run(app: App) -> dict[str, Any]:
    return {"detail": {"name": "finexpert-1", "status": "ABORTED"}}


@pytest.mark.parametrize(
    ("purpose", "event", "needs"),
    [
        ("validate-dataset", a_dataset, ("s3:ListBucket", "s3:GetObject")),
        ("admission", a_job, ("sagemaker:ListTrainingJobs", "sagemaker:ListEndpoints", "s3:PutObject")),
        ("stop-training", an_aborted_run, ("sagemaker:DescribeTrainingJob",)),
    ],
    ids=["validate-dataset", "admission", "stop-training"],
)
def test_without_a_right_that_it_uses_a_function_fails_and_names_it(
    app: App, purpose: str, event: Event, needs: tuple[str, ...]
) -> None:
    given = event(app)
    answer = app.invoke(purpose, given)
    assert "errorMessage" not in answer, answer
    assert actions_used(app, purpose) >= set(needs)
    for action in needs:
        failed = without(app, purpose, action, given)
        assert action in failed.get("errorMessage", ""), f"{purpose} does not need {action}: {failed}"
    assert "errorMessage" not in app.invoke(purpose, given)


def test_the_training_role_may_not_be_passed_to_another_service(app: App) -> None:
    """What the state machine's role may hand on, and to whom, is checked where it hands it on."""
    simulated = app.client("iam")
    [role] = [r["RoleName"] for r in simulated.list_roles()["Roles"] if "FineTuneRole" in r["RoleName"]]
    statements = simulated.get_role_policy(RoleName=role, PolicyName=POLICY)["PolicyDocument"]["Statement"]
    hands_on = [s for s in statements if "iam:PassRole" in actions_of(s)]
    [passing] = [s for s in hands_on if "sagemaker.amazonaws.com" in str(s["Condition"])]
    without_it = [s for s in statements if s is not passing]
    put(app, role, without_it)
    try:
        ended = app.ended(app.start(max_steps="1"))
    finally:
        put(app, role, statements)
    assert ended["status"] == "FAILED"
    assert "iam:PassRole" in ended["cause"]
    assert not app.client("sagemaker").list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]


def role_of(app: App, purpose: str) -> str:
    """The name of a function's role."""
    name = app.deployment.names.function(purpose)
    found = app.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    return str(found).rpartition("/")[2]


def actions_used(app: App, purpose: str) -> set[str]:
    """What the function's role has asked for and was allowed."""
    role = role_of(app, purpose)
    entries = app.cloud.ask("GET", "access")["access"]
    return {entry["action"] for entry in entries if entry["role"] == role and entry["allowed"]}


def without(app: App, purpose: str, action: str, event: dict[str, Any]) -> dict[str, Any]:
    """The function's answer when its role lacks an action."""
    iam, role = app.client("iam"), role_of(app, purpose)
    statements = iam.get_role_policy(RoleName=role, PolicyName=POLICY)["PolicyDocument"]["Statement"]
    reduced = []
    for statement in statements:
        actions = [each for each in actions_of(statement) if each != action]
        reduced += [{**statement, "Action": actions}] if actions else []
    put(app, role, reduced)
    try:
        answer: dict[str, Any] = app.invoke(purpose, event)
        return answer
    finally:
        put(app, role, statements)


def put(app: App, role: str, statements: list[dict[str, Any]]) -> None:
    """Give a role exactly these statements."""
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    app.client("iam").put_role_policy(RoleName=role, PolicyName=POLICY, PolicyDocument=document)
