"""What exists in an account that bills or starts something that does. Only ever looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.aws.calls import list_all

Client = Callable[[str], Any]
Lister = Callable[[Client], list[str]]


def find(client: Client) -> dict[str, list[str]]:
    """Names by kind (every one of `KINDS`): all that the account has in the region, not this project's only.

    Args:
        client: makes the boto3 client of a service.

    Raises:
        RuntimeError: a list could not be read to its end, so that nothing can be said.
    """
    return {kind: names(client) for kind, names in {**GLOBAL, **REGIONAL}.items()}


def _listed(
    service: str, operation: str, items: str, name: str, *, token: str = "NextToken", **request: Any
) -> Lister:
    """A lister of one paged operation; `name`: the member of each item that it is called by."""

    def names(client: Client) -> list[str]:
        found = _all(getattr(client(service), operation), items, token=token, **request)
        return sorted(str(item[name]) for item in found)

    return names


def _all(operation: Callable[..., Any], items: str, *, token: str = "NextToken", **request: Any) -> list[Any]:
    listing = list_all(operation, items, token=token, **request)
    if not listing.complete:
        raise RuntimeError(f"{items} could not be listed: {listing.problem}")
    return listing.items


def _executions(client: Client) -> list[str]:
    states = client("stepfunctions")
    machines = _all(states.list_state_machines, "stateMachines", token="nextToken")
    return sorted(
        execution["name"]
        for machine in machines
        for execution in _all(
            states.list_executions,
            "executions",
            token="nextToken",
            stateMachineArn=machine["stateMachineArn"],
            statusFilter="RUNNING",
        )
    )


def _apps(client: Client) -> list[str]:
    found = _all(client("sagemaker").list_apps, "Apps")
    return sorted(app["AppName"] for app in found if app["Status"] not in ("Deleted", "Failed"))


def _schedules(client: Client) -> list[str]:
    rules = _all(client("events").list_rules, "Rules")
    schedules = _all(client("scheduler").list_schedules, "Schedules")
    return sorted(str(item["Name"]) for item in rules + schedules)


def _functions(client: Client) -> list[str]:
    pages = client("lambda").get_paginator("list_functions").paginate()  # its token is called otherwise in
    return sorted(function["FunctionName"] for page in pages for function in page["Functions"])


def _stacks(client: Client) -> list[str]:
    found = _all(client("cloudformation").list_stacks, "StackSummaries")
    return sorted(
        f"{stack['StackName']} ({stack['StackStatus']})"
        for stack in found
        if stack["StackStatus"] != "DELETE_COMPLETE"
    )


GLOBAL: Mapping[str, Lister] = {
    "buckets": _listed("s3", "list_buckets", "Buckets", "Name", token="ContinuationToken"),
}
"""Kinds that every region lists alike."""

REGIONAL: Mapping[str, Lister] = {
    "endpoints": _listed("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "inference components": _listed(
        "sagemaker", "list_inference_components", "InferenceComponents", "InferenceComponentName"
    ),
    "training jobs in progress": _listed(
        "sagemaker",
        "list_training_jobs",
        "TrainingJobSummaries",
        "TrainingJobName",
        StatusEquals="InProgress",
    ),
    "processing jobs in progress": _listed(
        "sagemaker",
        "list_processing_jobs",
        "ProcessingJobSummaries",
        "ProcessingJobName",
        StatusEquals="InProgress",
    ),
    "notebook instances": _listed(
        "sagemaker", "list_notebook_instances", "NotebookInstances", "NotebookInstanceName"
    ),
    "Studio apps": _apps,
    "running executions": _executions,
    "models": _listed("sagemaker", "list_models", "Models", "ModelName"),
    "endpoint configurations": _listed(
        "sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"
    ),
    "model package groups": _listed(
        "sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"
    ),
    "schedules and rules": _schedules,
    "functions": _functions,
    "alarms": _listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "dashboards": _listed("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "stacks": _stacks,
}
"""Kinds of one region."""

KINDS = (*GLOBAL, *REGIONAL)
