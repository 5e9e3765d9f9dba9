"""What exists in an account that bills or starts something that does. Only ever looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lambdas.shared.aws import list_all

Client = Callable[[str], Any]

KINDS = (
    "endpoints",
    "inference components",
    "training jobs in progress",
    "running executions",
    "models",
    "endpoint configurations",
    "model package groups",
    "buckets",
    "schedules and rules",
    "functions",
    "stacks",
)


def find(client: Client) -> dict[str, list[str]]:
    """Names by kind (every one of `KINDS`): all that the account has in the region, not this project's only.

    Args:
        client: makes the boto3 client of a service.

    Raises:
        RuntimeError: a list could not be read to its end, so that nothing can be said.
    """
    sagemaker = client("sagemaker")
    states = client("stepfunctions")
    machines = _all(states.list_state_machines, "stateMachines", "stateMachineArn", token="nextToken")
    found = {
        "endpoints": _all(sagemaker.list_endpoints, "Endpoints", "EndpointName"),
        "inference components": _all(
            sagemaker.list_inference_components, "InferenceComponents", "InferenceComponentName"
        ),
        "training jobs in progress": _all(
            sagemaker.list_training_jobs, "TrainingJobSummaries", "TrainingJobName", StatusEquals="InProgress"
        ),
        "running executions": [
            name
            for machine in machines
            for name in _all(
                states.list_executions,
                "executions",
                "name",
                token="nextToken",
                stateMachineArn=machine,
                statusFilter="RUNNING",
            )
        ],
        "models": _all(sagemaker.list_models, "Models", "ModelName"),
        "endpoint configurations": _all(
            sagemaker.list_endpoint_configs, "EndpointConfigs", "EndpointConfigName"
        ),
        "model package groups": _all(
            sagemaker.list_model_package_groups, "ModelPackageGroupSummaryList", "ModelPackageGroupName"
        ),
        "buckets": _all(client("s3").list_buckets, "Buckets", "Name", token="ContinuationToken"),
        "schedules and rules": _all(client("events").list_rules, "Rules", "Name")
        + _all(client("scheduler").list_schedules, "Schedules", "Name"),
        "functions": _functions(client("lambda")),
        "stacks": _stacks(client("cloudformation")),
    }
    return {kind: found[kind] for kind in KINDS}


def _all(
    operation: Callable[..., Any], items: str, name: str, *, token: str = "NextToken", **request: Any
) -> list[str]:
    listing = list_all(operation, items, token=token, **request)
    if not listing.complete:
        raise RuntimeError(f"{items} could not be listed: {listing.problem}")
    return sorted(str(item[name]) for item in listing.items)


def _functions(client: Any) -> list[str]:
    pages = client.get_paginator("list_functions").paginate()  # its token has another name in than out
    return sorted(function["FunctionName"] for page in pages for function in page["Functions"])


def _stacks(client: Any) -> list[str]:
    listing = list_all(client.list_stacks, "StackSummaries")
    if not listing.complete:
        raise RuntimeError(f"stacks could not be listed: {listing.problem}")
    return sorted(_name(stack) for stack in listing.items if stack["StackStatus"] != "DELETE_COMPLETE")


def _name(stack: Mapping[str, Any]) -> str:
    return f"{stack['StackName']} ({stack['StackStatus']})"
