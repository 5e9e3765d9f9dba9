"""ValidateStateMachineDefinition: what AWS would refuse is found, and the app's own definition is fine."""

import copy
import json
from typing import Any

import pytest

from infra.training.definition import definition
from localcloud.state_language import validation
from tests.unit.infra.state_language import ON_DEMAND, SPOT

TASK = "arn:aws:states:::aws-sdk:sagemaker:createTrainingJob"
PLAIN: dict[str, Any] = {
    "StartAt": "Train",
    "States": {
        "Train": {"Type": "Task", "Resource": TASK, "Parameters": {}, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    },
}


def found(document: object) -> list[str]:
    text = document if isinstance(document, str) else json.dumps(document)
    answer = validation({"definition": text})
    assert (answer["result"] == "FAIL") is bool(answer["diagnostics"])
    return [f"{each['code']} {each['location']}: {each['message']}" for each in answer["diagnostics"]]


@pytest.mark.parametrize("fine_tune", [ON_DEMAND, SPOT], ids=["on demand", "spot"])
def test_the_apps_own_state_machine_is_taken(fine_tune: Any) -> None:
    assert found(definition(fine_tune)) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["StartAt"], "Nowhere", "MISSING_TRANSITION_TARGET /StartAt"),
        (["States", "Train", "Next"], "Nowhere", "MISSING_TRANSITION_TARGET /States/Train: Missing 'Next'"),
        (["States", "Train", "Catch"], [{"Next": "Nowhere"}], "Missing 'Next' target: Nowhere"),
        (["States", "Done", "Type"], "End", "Type End is not known"),
        (["States", "Train", "Resource"], f"{TASK}s", "is not recognized"),
        (["States", "Train", "Resource"], TASK.replace("sagemaker", "sagemakers"), "is not recognized"),
        (["States", "Train", "Parameters"], {"trainingJobName": "x"}, "'trainingJobName' is not supported"),
        (
            ["States", "Train", "Parameters"],
            {"InputDataConfig": [{"DataSource": {"S3DataSource": {"ModelAcces": 1}}}]},
            "The field 'ModelAcces' is not supported",
        ),
    ],
)
def test_what_step_functions_refuses_is_named(path: list[str], value: object, said: str) -> None:
    document = copy.deepcopy(PLAIN)
    assert found(document) == []
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert len(found(document)) == 1 and said in found(document)[0]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"States": {}}'])
def test_what_is_no_definition_is_refused(text: str) -> None:
    assert len(found(text)) == 1
