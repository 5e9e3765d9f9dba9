"""Plans the requests that make a deleted endpoint again from its snapshot. Pure: it calls nothing.

Answers of Describe operations become requests of Create operations by leaving out what a request does not
take, which botocore's own model of the API tells; only what has another name there is written out here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from core.aws.tags import owning_stack
from core.names import DELETE_AFTER_TAG, KEEP_TAG
from core.reaper.rules.protection import moment
from core.reaper.snapshot import FORMAT

Request = dict[str, Any]


class SnapshotUnusable(ValueError):
    """A snapshot that no endpoint can be made from; the message says why."""


@dataclass(frozen=True, kw_only=True)
class RestorePlan:
    """Requests in the order in which they are sent.

    Args:
        config: CreateEndpointConfig, in case that the configuration is gone; None if the snapshot has none.
        endpoint: CreateEndpoint.
        capacities: UpdateEndpointWeightsAndCapacities, where it ran on other counts than the configuration's.
        components: CreateInferenceComponent, bases before their adapters.
        targets, policies: RegisterScalableTarget, PutScalingPolicy.
    """

    name: str
    config_name: str
    config: Request | None
    endpoint: Request
    capacities: Request | None
    components: tuple[Request, ...]
    targets: tuple[Request, ...]
    policies: tuple[Request, ...]


def plan(snapshot: Mapping[str, Any], now: datetime, keep_tag: str = KEEP_TAG) -> RestorePlan:
    """Read a snapshot.

    Raises:
        SnapshotUnusable: of another format, or of an endpoint that a CloudFormation stack owned.
    """
    if snapshot.get("format") != FORMAT or "endpoint" not in snapshot:
        raise SnapshotUnusable(f"it is not a snapshot of format {FORMAT}")
    stack = owning_stack(snapshot.get("tags", {}))
    if stack:
        raise SnapshotUnusable(f"the CloudFormation stack {stack} owned the endpoint: deploy that again")
    described, config = snapshot["endpoint"], snapshot.get("endpoint_config")
    scaling = snapshot.get("scaling", {})
    components = sorted(snapshot["inference_components"], key=_is_adapter)
    tags = snapshot.get("component_tags", {})
    return RestorePlan(
        name=described["EndpointName"],
        config_name=described["EndpointConfigName"],
        config=accepted("sagemaker", "CreateEndpointConfig", config) if config else None,
        endpoint={
            "EndpointName": described["EndpointName"],
            "EndpointConfigName": described["EndpointConfigName"],
            **_tags(snapshot.get("tags", {}), now, keep_tag),
        },
        capacities=_capacities(described, config, has_components=bool(components)),
        components=tuple(
            _component(each, _tags(tags.get(each["InferenceComponentName"], {}), now, keep_tag))
            for each in components
        ),
        targets=tuple(
            # SageMaker's targets work under a service-linked role, which a request must not name.
            accepted("application-autoscaling", "RegisterScalableTarget", {**target, "RoleARN": None})
            for target in scaling.get("targets", [])
        ),
        policies=tuple(
            accepted("application-autoscaling", "PutScalingPolicy", policy)
            for policy in scaling.get("policies", [])
        ),
    )


def accepted(service: str, operation: str, answer: Mapping[str, Any]) -> Request:
    """The parts of an answer that a request of `operation` takes, at every depth."""
    request: Request = _cut(answer, _model(service).operation_model(operation).input_shape)
    return request


@cache
def _model(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


def _cut(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {
            name: _cut(part, shape.members[name])
            for name, part in value.items()
            # An answer has empty lists for what is not there; a request must leave them out.
            if name in shape.members and part is not None and part != []
        }
    if shape.type_name == "list":
        return [_cut(part, shape.member) for part in value]
    return value


def _is_adapter(component: Mapping[str, Any]) -> bool:
    return bool(component.get("Specification", {}).get("BaseInferenceComponentName"))


def _component(described: Mapping[str, Any], tags: Request) -> Request:
    request = accepted("sagemaker", "CreateInferenceComponent", described)
    # An answer names the image under DeployedImage, and the copies under DesiredCopyCount.
    container = described.get("Specification", {}).get("Container", {})
    image = container.get("DeployedImage", {}).get("SpecifiedImage")
    specification = request.get("Specification", {})
    if specification.get("ModelName"):
        specification.pop("Container", None)
    elif image:
        specification.setdefault("Container", {})["Image"] = image
    request.pop("RuntimeConfig", None)
    copies = described.get("RuntimeConfig", {}).get("DesiredCopyCount")
    if _is_adapter(described):
        request.pop("VariantName", None)  # an adapter is where its base is
    elif copies is not None:
        request["RuntimeConfig"] = {"CopyCount": copies}
    return {**request, **tags}


def _capacities(
    described: Mapping[str, Any], config: Mapping[str, Any] | None, *, has_components: bool
) -> Request | None:
    """Variants whose instances had been set to another count; with components SageMaker sets the count."""
    initial = {
        v["VariantName"]: v.get("InitialInstanceCount") for v in (config or {}).get("ProductionVariants", [])
    }
    changed = [
        {"VariantName": variant["VariantName"], "DesiredInstanceCount": variant["DesiredInstanceCount"]}
        for variant in described.get("ProductionVariants", [])
        if variant.get("DesiredInstanceCount")
        and initial.get(variant["VariantName"]) not in (None, variant["DesiredInstanceCount"])
    ]
    if has_components or not changed:
        return None
    return {"EndpointName": described["EndpointName"], "DesiredWeightsAndCapacities": changed}


def _tags(tags: Mapping[str, str], now: datetime, keep_tag: str) -> Request:
    """The tags as they were, without AWS's own, the warning that ended it, and a keep tag that is over."""
    kept = {
        key: value
        for key, value in tags.items()
        if not key.startswith("aws:")
        and key != DELETE_AFTER_TAG
        and not (key == keep_tag and (until := moment(value)) and until <= now)
    }
    return {"Tags": [{"Key": key, "Value": value} for key, value in kept.items()]} if kept else {}
