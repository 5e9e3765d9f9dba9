"""Keeps a JSON document in the audit bucket from which a deleted endpoint can be made again."""

import json
from datetime import UTC, datetime
from typing import Any

from core.aws.calls import Clients, items_of
from core.aws.errors import error_text, if_there
from core.aws.tags import list_tags
from core.endpoint.endpoints import scalable_targets
from core.reaper.facts import Endpoint

FORMAT = 1


def take(clients: Clients, endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    """Endpoint, configuration, components, scaling and tags as AWS describes them now; its errors pass."""
    sagemaker = clients("sagemaker")
    described = _plain(sagemaker.describe_endpoint(EndpointName=endpoint.name))
    own = endpoint.components if isinstance(endpoint.components, tuple) else ()
    described_components = [
        _plain(sagemaker.describe_inference_component(InferenceComponentName=component.name))
        for component in own
    ]
    return {
        "format": FORMAT,
        "taken": now,
        "endpoint": described,
        # None where someone deleted it while the endpoint lived on, which AWS allows.
        "endpoint_config": if_there(
            lambda: _plain(
                sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
            )
        ),
        "inference_components": described_components,
        "component_tags": {
            component["InferenceComponentName"]: list_tags(sagemaker, component["InferenceComponentArn"])
            for component in described_components
        },
        "scaling": _scaling(clients, endpoint, [component.name for component in own]),
        "tags": dict(endpoint.known_tags),
    }


def folder(name: str) -> str:
    """The prefix of the snapshots of an endpoint's lives, whose names sort by creation."""
    return f"audit/endpoints/{name}/"


def key(endpoint: Endpoint) -> str:
    """One object for each life of an endpoint, so that a repeated run writes the same one."""
    return f"{folder(endpoint.name)}{endpoint.created.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"


def store(clients: Clients, bucket: str, endpoint: Endpoint, document: dict[str, Any]) -> str:
    """Write the snapshot and return its URI. AWS's errors pass: without a snapshot nothing is deleted."""
    body = json.dumps(document, default=str, indent=1)
    clients("s3").put_object(
        Bucket=bucket, Key=key(endpoint), Body=body.encode(), ContentType="application/json"
    )
    return f"s3://{bucket}/{key(endpoint)}"


def _scaling(clients: Clients, endpoint: Endpoint, components: list[str]) -> dict[str, Any]:
    """Scaling targets and their policies; a failure is kept instead, since scaling can be set up again."""
    try:
        client = clients("application-autoscaling")
        targets = scalable_targets(client, endpoint.name, components)
        policies = []
        for target in targets:
            policies += items_of(
                client.describe_scaling_policies,
                "ScalingPolicies",
                ServiceNamespace="sagemaker",
                ResourceId=target["ResourceId"],
            )
    except Exception as error:
        return {"problem": error_text(error)}
    return {"targets": targets, "policies": policies}


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
