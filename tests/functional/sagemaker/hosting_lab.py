"""Models, endpoints and inference components of the SageMaker tests: made, asked, measured and removed."""

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.waiting import eventually
from tests.functional.sagemaker.sagemaker_lab import Lab

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
PROMPT = "The investment tests performed indicate"
RESOURCES = {"MinMemoryRequiredInMb": 1024, "NumberOfAcceleratorDevicesRequired": 1}
NAMES = {"endpoint": "Endpoint", "inference_component": "InferenceComponent"}
"""The kinds as boto3's methods and as the API's members spell them."""


def packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.add(folder, arcname=".")
    return content.getvalue()


def settled(lab: Lab, kind: str, name: str) -> dict[str, Any]:
    """The description of an endpoint or inference component once nothing is in progress."""
    describe = getattr(lab.client("sagemaker"), f"describe_{kind}")

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = describe(**{f"{NAMES[kind]}Name": name})
        return found if found[f"{NAMES[kind]}Status"] in ("InService", "Failed") else None

    description: dict[str, Any] = eventually(look, why=f"{name} did not settle")
    return description


def remove(lab: Lab, kind: str, name: str) -> None:
    """Delete an endpoint or inference component, and wait until it is gone."""
    named = {f"{NAMES[kind]}Name": name}
    getattr(lab.client("sagemaker"), f"delete_{kind}")(**named)

    def look() -> bool:
        try:
            getattr(lab.client("sagemaker"), f"describe_{kind}")(**named)
        except ClientError as error:
            return "Could not find" in error.response["Error"]["Message"]
        return False

    eventually(look, why=f"{name} did not go away")


def ask(lab: Lab, endpoint: str, body: dict[str, Any] | bytes, **more: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = lab.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="application/json", Body=content, **more
    )
    return json.loads(answer["Body"].read())


def metric(lab: Lab, name: str, dimensions: dict[str, str], namespace: str = "AWS/SageMaker") -> float:
    """Sum of a metric with exactly these dimensions."""
    points = lab.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def make_model(lab: Lab, container: dict[str, Any]) -> str:
    name = lab.unique("model")
    lab.client("sagemaker").create_model(
        ModelName=name, PrimaryContainer={"Image": IMAGE} | container, ExecutionRoleArn=lab.role_arn
    )
    return name


def make_config(lab: Lab, model_name: str | None, **variant: Any) -> str:
    name = lab.unique("config")
    production = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1",
    } | variant
    production |= {"ModelName": model_name} if model_name else {}
    role = {} if model_name else {"ExecutionRoleArn": lab.role_arn}
    lab.client("sagemaker").create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[production], **role
    )
    return name


def make_endpoint(lab: Lab, config: str, **more: Any) -> str:
    """An endpoint that is not yet in service."""
    name = lab.unique("endpoint")
    lab.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config, **more)
    return name


def in_service(lab: Lab, config: str, **more: Any) -> str:
    """An endpoint, once it is in service."""
    name = make_endpoint(lab, config, **more)
    assert settled(lab, "endpoint", name)["EndpointStatus"] == "InService"
    return name


def make_component(lab: Lab, endpoint: str, name: str, **specification: Any) -> dict[str, Any]:
    """A base component with one copy, or an adapter on one; its description once it has settled."""
    adapter = "BaseInferenceComponentName" in specification
    if not adapter:
        specification |= {"ComputeResourceRequirements": RESOURCES}
    own = {} if adapter else {"VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": 1}}
    lab.client("sagemaker").create_inference_component(
        InferenceComponentName=name, EndpointName=endpoint, Specification=specification, **own
    )
    return settled(lab, "inference_component", name)


def adapter_on(base: str, uri: str) -> dict[str, Any]:
    """The specification of an adapter."""
    return {"BaseInferenceComponentName": base, "Container": {"ArtifactUrl": uri}}
