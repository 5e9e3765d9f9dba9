"""Rule: every log ends after a month and goes with its stack, also one that AWS would make."""

from collections.abc import Iterator

import pytest

from infra.retention import KEPT_DAYS
from tests.snapshot.rules.rule_samples import definition_with, stacks_with
from tests.snapshot.snapshot_synth import Templates, everywhere, state_machine

SAGEMAKER_JOBS = "/aws/sagemaker/TrainingJobs"


def violations(stacks: Templates) -> Iterator[str]:
    names = set()
    for place, group in everywhere(stacks, "AWS::Logs::LogGroup"):
        names.add(group["Properties"].get("LogGroupName"))
        if group["Properties"].get("RetentionInDays") != KEPT_DAYS or group.get("DeletionPolicy") != "Delete":
            yield f"{place}: a log without end"
    for place, function in everywhere(stacks, "AWS::Lambda::Function"):
        if "LogGroup" not in function["Properties"].get("LoggingConfig", {}):
            yield f"{place}: a function that makes its own log group"
    for kind, member in (("Endpoint", "EndpointName"), ("InferenceComponent", "InferenceComponentName")):
        for place, resource in everywhere(stacks, f"AWS::SageMaker::{kind}"):
            if f"/aws/sagemaker/{kind}s/{resource['Properties'][member]}" not in names:
                yield f"{place}: SageMaker makes its log group"
    limited = [
        state["Parameters"]
        for state in state_machine(stacks)["States"].values()
        if state.get("Resource", "").endswith("cloudwatchlogs:putRetentionPolicy")
    ]
    if limited != [{"LogGroupName": SAGEMAKER_JOBS, "RetentionInDays": KEPT_DAYS}]:
        yield "CreateTrainingJob: SageMaker makes the jobs' log group"


LIMIT = {
    "Resource": "arn:aws:states:::aws-sdk:cloudwatchlogs:putRetentionPolicy",
    "Parameters": {"LogGroupName": SAGEMAKER_JOBS, "RetentionInDays": 30},
}
MACHINE = definition_with(states={"LimitLogGroup": LIMIT})


def test_logs_with_an_end_comply() -> None:
    group = {"LogGroupName": "/aws/sagemaker/Endpoints/a", "RetentionInDays": 30}
    stacks = (
        MACHINE
        | stacks_with("AWS::Logs::LogGroup", group, stack="Storage", DeletionPolicy="Delete")
        | stacks_with("AWS::SageMaker::Endpoint", {"EndpointName": "a"})
        | stacks_with("AWS::Lambda::Function", {"LoggingConfig": {"LogGroup": "a"}}, stack="Guardrails")
    )
    assert list(violations(stacks)) == []


@pytest.mark.parametrize(
    "stacks",
    [
        MACHINE | stacks_with("AWS::Logs::LogGroup", {}, DeletionPolicy="Delete"),
        MACHINE | stacks_with("AWS::Logs::LogGroup", {"RetentionInDays": 30}, DeletionPolicy="Retain"),
        MACHINE | stacks_with("AWS::Lambda::Function", {}),
        MACHINE | stacks_with("AWS::SageMaker::Endpoint", {"EndpointName": "a"}),
        definition_with(),
    ],
    ids=["for ever", "kept", "function", "endpoint", "jobs"],
)
def test_logs_without_one_do_not(stacks: Templates) -> None:
    assert len(list(violations(stacks))) == 1
