"""Keeps what is needed to make a deleted endpoint again: a JSON document in the audit bucket, written
before."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from core.aws.calls import Clients, error_text, is_missing, pages
from core.aws.tags import list_tags
from core.endpoint.endpoints import scalable_targets
from core.reaper.facts import Component, Endpoint

FORMAT = 1


def take(clients: Clients, endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    """Endpoint, configuration, components, scaling and tags as AWS describes them now. Raises botocore's
    errors."""
    sagemaker = clients("sagemaker")
    described = _plain(sagemaker.describe_endpoint(EndpointName=endpoint.name))
    own = endpoint.components if isinstance(endpoint.components, tuple) else ()
    described_components = [_component(sagemaker, component) for component in own]
    return {
        "format": FORMAT,
        "taken": now,
        "endpoint": described,
        "endpoint_config": _config(sagemaker, described["EndpointConfigName"]),
        "inference_components": described_components,
        "component_tags": {
            component["InferenceComponentName"]: list_tags(sagemaker, component["InferenceComponentArn"])
            for component in described_components
        },
        "scaling": _scaling(clients, endpoint, [component.name for component in own]),
        "tags": dict(endpoint.known_tags),
    }


def folder(name: str) -> str:
    """Where the snapshots of an endpoint's lives are; their names sort by creation."""
    return f"audit/endpoints/{name}/"


def key(endpoint: Endpoint) -> str:
    """One object for each life of an endpoint, so that a repeated run writes the same one."""
    return f"{folder(endpoint.name)}{endpoint.created.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"


def store(clients: Clients, bucket: str, endpoint: Endpoint, document: dict[str, Any]) -> str:
    """Write the snapshot and answer its URI. Raises botocore's errors: without snapshot nothing is
    deleted."""
    body = json.dumps(document, default=str, indent=1)
    clients("s3").put_object(
        Bucket=bucket, Key=key(endpoint), Body=body.encode(), ContentType="application/json"
    )
    return f"s3://{bucket}/{key(endpoint)}"


def _config(sagemaker: Any, name: str) -> dict[str, Any] | None:
    """The configuration; None where someone deleted it while the endpoint lived on, which AWS allows."""
    try:
        return _plain(sagemaker.describe_endpoint_config(EndpointConfigName=name))
    except Exception as error:
        if is_missing(error):
            return None
        raise


def _component(sagemaker: Any, component: Component) -> dict[str, Any]:
    return _plain(sagemaker.describe_inference_component(InferenceComponentName=component.name))


def _scaling(clients: Clients, endpoint: Endpoint, components: list[str]) -> dict[str, Any]:
    """Scaling targets and their policies; a failure is kept in their place, since scaling can be set up
    again."""
    try:
        client = clients("application-autoscaling")
        targets = scalable_targets(client, endpoint.name, components)
        policies = []
        for target in targets:
            for answer in pages(
                client.describe_scaling_policies,
                ServiceNamespace="sagemaker",
                ResourceId=target["ResourceId"],
            ):
                policies += answer.get("ScalingPolicies", [])
    except Exception as error:
        return {"problem": error_text(error)}
    return {"targets": targets, "policies": policies}


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
