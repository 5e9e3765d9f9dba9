"""Rule: a job's run time is what admission found affordable, and a run as a whole ends too."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.snapshot.rules.rule_samples import LIMITS, definition_with
from tests.snapshot.snapshot_synth import Templates, everywhere, state_machine, training_job

ADMITTED = "$.admission.answer.max_runtime_seconds"
SAME = {"TRAINING_INSTANCE_TYPE": "InstanceType", "TRAINING_INSTANCE_COUNT": "InstanceCount"}


def violations(stacks: Templates) -> Iterator[str]:
    machine, job = state_machine(stacks), training_job(stacks)
    if not machine.get("TimeoutSeconds"):
        yield "the state machine has no TimeoutSeconds"
    if job.get("StoppingCondition.$") != "$.stopping":
        yield "CreateTrainingJob has no StoppingCondition from $.stopping"
    limits = [state for state in machine["States"].values() if state.get("ResultPath") == "$.stopping"]
    if not limits:
        yield "nothing sets $.stopping"
    for state in limits:
        if state["Parameters"].get("MaxRuntimeInSeconds.$") != ADMITTED:
            yield "a run time that admission has not found affordable"
    for place, function in everywhere(stacks, "AWS::Lambda::Function"):
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        for variable, member in SAME.items():
            if variable in variables and variables[variable] != str(job["ResourceConfig"][member]):
                yield f"{place}: admission prices another {member} than the job has"
    yield from around_admission(machine["States"])


def around_admission(states: dict[str, Any]) -> Iterator[str]:
    """Ways to the limits that do not come from admission."""
    # A choice between limits may stand between the two.
    limits = {name for name, state in states.items() if state.get("ResultPath") == "$.stopping"}
    for name, state in states.items():
        nexts = {rule.get("Next") for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]}
        nexts.add(state.get("Default"))
        if nexts & limits and name != "Admit":
            into = {other for other, found in states.items() if found.get("Next") == name}
            if state["Type"] != "Choice" or into != {"Admit"}:
                yield f"{name} leads to a job around admission"


def test_admitted_time_complies() -> None:
    assert list(violations(definition_with())) == []


@pytest.mark.parametrize(
    "stacks",
    [
        definition_with(timeout=None),
        definition_with(**{"StoppingCondition.$": "$.request.stopping"}),
        definition_with(states={"Limits": {**LIMITS, "Parameters": {"MaxRuntimeInSeconds": 86400}}}),
        definition_with(states={"Limits": {"Type": "Pass", "Next": "CreateTrainingJob"}}),
        definition_with(states={"Shortcut": {"Type": "Pass", "Next": "Limits"}}),
    ],
    ids=["no end of the run", "another condition", "a fixed day", "no limits", "around admission"],
)
def test_any_other_time_does_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
