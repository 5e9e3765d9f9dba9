"""SageMaker's state-change events and CloudWatch metrics, in AWS's exact form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localcloud import platform
from localcloud.sagemaker.store import Record
from localcloud.sagemaker.validation import operation_model, pick

SOURCE = "aws.sagemaker"
INVOCATIONS = "AWS/SageMaker"
# endpoint events spell a status in capitals: InService is IN_SERVICE
# (Amazon SageMaker Developer Guide, "Events that SageMaker AI sends to Amazon EventBridge")


def training_event(job: Record) -> None:
    """A training job's state changed. The detail is its description, times in epoch milliseconds."""
    detail = pick(job, operation_model("DescribeTrainingJob").output_shape)
    _emit("SageMaker Training Job State Change", detail, job["TrainingJobArn"])


def endpoint_event(endpoint: Record) -> None:
    """An endpoint's state changed."""
    detail = pick(endpoint, operation_model("DescribeEndpoint").output_shape)
    detail["EndpointStatus"] = _in_capitals(endpoint["EndpointStatus"])
    _emit("SageMaker Endpoint State Change", detail, endpoint["EndpointArn"])


def component_event(component: Record) -> None:
    """An inference component's state changed."""
    detail = pick(component, operation_model("DescribeInferenceComponent").output_shape)
    detail["InferenceComponentStatus"] = _in_capitals(component["InferenceComponentStatus"])
    _emit("SageMaker InferenceComponent State Change", detail, component["InferenceComponentArn"])


def package_event(package: Record) -> None:
    """A model package was registered or its approval changed."""
    detail = pick(package, operation_model("DescribeModelPackage").output_shape)
    _emit("SageMaker Model Package State Change", detail, package["ModelPackageArn"])


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
    if "InferenceComponentName" in dimensions:
        platform.put_metric(
            INVOCATIONS, "ConcurrentRequestsPerCopy", in_flight / max(copies, 1), "None", dimensions
        )
    else:
        platform.put_metric(INVOCATIONS, "ConcurrentRequestsPerModel", float(in_flight), "None", dimensions)


def put_no_capacity(component_name: str) -> None:
    """A call came to a component without copies: what AWS's scale-from-zero alarms watch."""
    dimensions = {"InferenceComponentName": component_name}
    platform.put_metric(INVOCATIONS, "NoCapacityInvocationFailures", 1.0, "None", dimensions)


def _emit(detail_type: str, detail: dict[str, Any], arn: str) -> None:
    platform.emit_event(SOURCE, detail_type, _milliseconds(detail), [arn])


def _milliseconds(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _milliseconds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_milliseconds(item) for item in value]
    return value


def _in_capitals(status: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in status).lstrip("_").upper()
