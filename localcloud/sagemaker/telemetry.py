"""SageMaker's state-change events and CloudWatch metrics, in AWS's exact form."""

import re
from collections.abc import Mapping

from localcloud import platform
from localcloud.sagemaker import store
from localcloud.sagemaker.store import Kind, Record
from localcloud.sagemaker.validation import operation_model, pick

SOURCE = "aws.sagemaker"
INVOCATIONS = "AWS/SageMaker"
# The kinds whose changes go to EventBridge: their name in an event, and whether the event spells a status in
# capitals (InService is IN_SERVICE there). Source: SageMaker Developer Guide, "Events that SageMaker AI sends
# to Amazon EventBridge".
EVENTS = {
    store.TRAINING_JOB: ("Training Job", False),
    store.ENDPOINT: ("Endpoint", True),
    store.INFERENCE_COMPONENT: ("InferenceComponent", True),
    store.MODEL_PACKAGE: ("Model Package", False),
}


def state_event(kind: Kind, record: Record) -> None:
    """A resource's state changed, or a model package's approval. The detail is its description."""
    detail = pick(record, operation_model(f"Describe{kind.name}").output_shape)
    name, capitals = EVENTS[kind]
    if capitals:
        detail[kind.status_field] = re.sub(r"(?<=.)(?=[A-Z])", "_", record[kind.status_field]).upper()
    platform.emit_event(SOURCE, f"SageMaker {name} State Change", detail, [record[kind.arn_field]])


def invocation_dimensions(
    endpoint_name: str, variant_name: str, component_name: str | None
) -> dict[str, str]:
    """The exact dimensions of an invocation's metrics.

    AWS documents two sets: EndpointName with VariantName for a variant's own model, and
    InferenceComponentName alone for a component (SageMaker Developer Guide, "SageMaker AI metrics in
    Amazon CloudWatch", dimensions for endpoint invocation metrics). A component's calls are therefore not
    counted on its variant.
    """
    if component_name:
        return {"InferenceComponentName": component_name}
    return {"EndpointName": endpoint_name, "VariantName": variant_name}


def put_invocation(
    dimensions: Mapping[str, str],
    *,
    status: int,
    copies: int,
    model_seconds: float | None = None,
    overhead_seconds: float = 0.0,
) -> None:
    """Publish one InvokeEndpoint call.

    Args:
        status: the model's HTTP status; 0 for none (the connection broke, no answer in time).
        copies: containers behind the variant or component.
        model_seconds: the model's latency; None if it was never reached.
    """
    per_copy = "InvocationsPerCopy" if "InferenceComponentName" in dimensions else "InvocationsPerInstance"
    for name, value in (
        ("Invocations", 1.0),
        (per_copy, 1.0 / max(copies, 1)),
        ("Invocation4XXErrors", float(400 <= status < 500)),
        ("Invocation5XXErrors", float(status >= 500)),
        ("InvocationModelErrors", float(not 200 <= status < 300)),
    ):
        platform.put_metric(INVOCATIONS, name, value, "None", dimensions)
    if model_seconds is not None:
        platform.put_metric(INVOCATIONS, "ModelLatency", model_seconds * 1e6, "Microseconds", dimensions)
        platform.put_metric(
            INVOCATIONS, "OverheadLatency", overhead_seconds * 1e6, "Microseconds", dimensions
        )


def put_concurrency(dimensions: Mapping[str, str], in_flight: int, copies: int) -> None:
    """Publish how many requests are in progress, so that a long call does not look like an idle endpoint."""
    name, value = "ConcurrentRequestsPerModel", float(in_flight)
    if "InferenceComponentName" in dimensions:
        name, value = "ConcurrentRequestsPerCopy", in_flight / max(copies, 1)
    platform.put_metric(INVOCATIONS, name, value, "None", dimensions)


def put_no_capacity(component_name: str) -> None:
    """A call came to a component without copies: what AWS's scale-from-zero alarms watch."""
    dimensions = {"InferenceComponentName": component_name}
    platform.put_metric(INVOCATIONS, "NoCapacityInvocationFailures", 1.0, "None", dimensions)
