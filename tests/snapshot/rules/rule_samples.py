"""Small stacks for the tests of the rules: one resource, or a state machine around one training job."""

import json
from typing import Any

from tests.snapshot.snapshot_synth import Templates

JOB: dict[str, Any] = {
    "EnableNetworkIsolation": True,
    "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1},
    "OutputDataConfig": {"S3OutputPath": "s3://artifacts/runs/"},
    "InputDataConfig": [],
    "StoppingCondition.$": "$.stopping",
    "Environment": {"FINEXPERT_USD_PER_HOUR": "1.515"},
}
LIMITS: dict[str, Any] = {
    "Type": "Pass",
    "Parameters": {"MaxRuntimeInSeconds.$": "$.admission.answer.max_runtime_seconds"},
    "ResultPath": "$.stopping",
    "Next": "CreateTrainingJob",
}


def stacks_with(
    type_: str, properties: dict[str, Any], *, stack: str = "Hosting", **attributes: Any
) -> Templates:
    """A stack of one resource; `attributes` stand beside its properties."""
    return {stack: {"Resources": {"Sample": {"Type": type_, "Properties": properties, **attributes}}}}


def definition_with(*, states: Any = None, timeout: Any = 14400, **changes: Any) -> Templates:
    """A Training stack whose state machine limits, and creates a job with `changes`."""
    definition = {
        **({"TimeoutSeconds": timeout} if timeout else {}),
        "States": {
            "Admit": {"Type": "Task", "Next": "Limits"},
            "Limits": LIMITS,
            "CreateTrainingJob": {"Type": "Task", "Parameters": {**JOB, **changes}},
            **(states or {}),
        },
    }
    definition_string = {"DefinitionString": json.dumps(definition)}
    return stacks_with("AWS::StepFunctions::StateMachine", definition_string, stack="Training")


def role_with(**statement: Any) -> Templates:
    """A stack of one role with one statement."""
    policy = {"PolicyDocument": {"Statement": [{"Effect": "Allow", **statement}]}}
    return stacks_with("AWS::IAM::Role", {"Policies": [policy]})
