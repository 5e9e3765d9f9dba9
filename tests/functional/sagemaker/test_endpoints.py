"""Endpoints and inference components, end to end with boto3: real processes serve a tiny Llama."""

import io
import json
import os
import signal
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from localcloud import processes
from localcloud.lifecycle import Cloud
from tests.fakes.serving_model import build_adapter, build_model
from tests.functional.sagemaker.sagemaker_lab import Lab, eventually

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
PROMPT = "The investment tests performed indicate"
RESOURCES = {"MinMemoryRequiredInMb": 1024, "NumberOfAcceleratorDevicesRequired": 1}


def packed(folder: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.add(folder, arcname=".")
    return content.getvalue()


def settled(lab: Lab, kind: str, name: str) -> dict[str, Any]:
    """The description of an endpoint or inference component once nothing is in progress."""
    describe = getattr(lab.client("sagemaker"), f"describe_{kind}")
    words = "".join(part.title() for part in kind.split("_"))

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = describe(**{f"{words}Name": name})
        return found if found[f"{words}Status"] in ("InService", "Failed") else None

    description: dict[str, Any] = eventually(look, seconds=120, why=f"{name} did not settle")
    return description


def gone(lab: Lab, kind: str, name: str) -> None:
    words = "".join(part.title() for part in kind.split("_"))

    def look() -> bool:
        try:
            getattr(lab.client("sagemaker"), f"describe_{kind}")(**{f"{words}Name": name})
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


@pytest.fixture(scope="module")
def model(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """URIs of a model (as a prefix and as an archive), of two adapters, and of one that does not fit it."""
    folder = tmp_path_factory.mktemp("model")
    weights = build_model(folder / "weights")
    for path in weights.iterdir():
        lab.put(f"base-model/{path.name}", path.read_bytes())
    uris = {"prefix": f"s3://{lab.bucket}/base-model/", "archive": lab.put("base.tar.gz", packed(weights))}
    for seed in (1, 2):
        adapter = build_adapter(folder / f"adapter-{seed}", weights, seed=seed)
        uris[f"adapter-{seed}"] = lab.put(f"adapter-{seed}.tar.gz", packed(adapter))
    other = build_adapter(folder / "other", weights, seed=3, rank=128)
    uris["unfitting"] = lab.put("unfitting.tar.gz", packed(other))
    uris["junk"] = lab.put("junk.tar.gz", b"this is no archive")
    return uris


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
    name = lab.unique("endpoint")
    lab.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config, **more)
    return name


@pytest.fixture(scope="module")
def endpoint(lab: Lab, model: dict[str, str]) -> Iterator[str]:
    """A plain endpoint, its model's data from an archive."""
    name = make_endpoint(
        lab,
        make_config(lab, make_model(lab, {"ModelDataUrl": model["archive"]})),
        Tags=[{"Key": "finexpert:project", "Value": "FinExpert"}],
    )
    assert settled(lab, "endpoint", name)["EndpointStatus"] == "InService"
    yield name
    lab.client("sagemaker").delete_endpoint(EndpointName=name)
    gone(lab, "endpoint", name)


@pytest.fixture(scope="module")
def shared(lab: Lab, model: dict[str, str]) -> Iterator[str]:
    """An endpoint for inference components, with a base `BASE` and an adapter `TUNED` on it."""
    name = make_endpoint(lab, make_config(lab, None))
    assert settled(lab, "endpoint", name)["EndpointStatus"] == "InService"
    source = {"S3DataSource": {"S3Uri": model["prefix"], "S3DataType": "S3Prefix", "CompressionType": "None"}}
    sagemaker = lab.client("sagemaker")
    sagemaker.create_inference_component(
        InferenceComponentName=f"{name}-base",
        EndpointName=name,
        VariantName="AllTraffic",
        Specification={
            "ModelName": make_model(
                lab, {"ModelDataSource": source, "Environment": {"OPTION_MAX_LORAS": "2"}}
            ),
            "ComputeResourceRequirements": RESOURCES,
        },
        RuntimeConfig={"CopyCount": 1},
    )
    assert settled(lab, "inference_component", f"{name}-base")["InferenceComponentStatus"] == "InService"
    sagemaker.create_inference_component(
        InferenceComponentName=f"{name}-tuned",
        EndpointName=name,
        Specification={
            "BaseInferenceComponentName": f"{name}-base",
            "Container": {"ArtifactUrl": model["adapter-1"]},
        },
    )
    found = settled(lab, "inference_component", f"{name}-tuned")
    assert found["InferenceComponentStatus"] == "InService", found.get("FailureReason")
    yield name
    for component in ("tuned", "base"):
        sagemaker.delete_inference_component(InferenceComponentName=f"{name}-{component}")
        gone(lab, "inference_component", f"{name}-{component}")
    sagemaker.delete_endpoint(EndpointName=name)
    gone(lab, "endpoint", name)


@pytest.mark.parametrize("instance_type", ["ml.g5.2xlarge", "ml.g6e.xlarge", "ml.p5.48xlarge"])
def test_a_cuda_13_image_on_a_host_with_an_older_driver_fails_without_a_log(
    lab: Lab, model: dict[str, str], instance_type: str
) -> None:
    """Source: the SageMaker Python SDK's own check (pull request 6281): it crashes before any log."""
    given = make_model(lab, {"ModelDataUrl": model["archive"]})
    older = make_config(
        lab, given, InstanceType=instance_type, InferenceAmiVersion="al2-ami-sagemaker-inference-gpu-3-1"
    )
    name = make_endpoint(lab, older)
    failed = settled(lab, "endpoint", name)
    assert failed["EndpointStatus"] == "Failed"
    assert failed["FailureReason"].startswith("CannotStartContainerError.")
    groups = lab.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/sagemaker/Endpoints/{name}")
    assert groups["logGroups"] == []
    lab.client("sagemaker").delete_endpoint(EndpointName=name)
    gone(lab, "endpoint", name)


def test_a_component_of_a_cuda_13_image_needs_the_newest_host(lab: Lab, model: dict[str, str]) -> None:
    plain = lab.unique("config")
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.g5.2xlarge", "InitialInstanceCount": 1}
    lab.client("sagemaker").create_endpoint_config(
        EndpointConfigName=plain, ProductionVariants=[variant], ExecutionRoleArn=lab.role_arn
    )
    endpoint = make_endpoint(lab, plain)
    assert settled(lab, "endpoint", endpoint)["EndpointStatus"] == "InService"
    name = lab.unique("base")
    lab.client("sagemaker").create_inference_component(
        InferenceComponentName=name,
        EndpointName=endpoint,
        VariantName="AllTraffic",
        Specification={
            "ModelName": make_model(lab, {"ModelDataUrl": model["archive"]}),
            "ComputeResourceRequirements": RESOURCES,
        },
        RuntimeConfig={"CopyCount": 1},
    )
    failed = settled(lab, "inference_component", name)
    assert failed["InferenceComponentStatus"] == "Failed"
    assert failed["FailureReason"].startswith("CannotStartContainerError.")
    lab.client("sagemaker").delete_inference_component(InferenceComponentName=name)
    gone(lab, "inference_component", name)
    lab.client("sagemaker").delete_endpoint(EndpointName=endpoint)
    gone(lab, "endpoint", endpoint)


def test_an_endpoint_answers_and_is_measured_under_its_variant(lab: Lab, endpoint: str) -> None:
    dimensions = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    before = metric(lab, "Invocations", dimensions)
    answer = lab.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint,
        ContentType="application/json",
        Body=json.dumps({"inputs": PROMPT}),
        CustomAttributes="trace=1",
    )
    assert json.loads(answer["Body"].read())["generated_text"]
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    assert answer["CustomAttributes"] == "trace=1"
    assert metric(lab, "Invocations", dimensions) == before + 1
    assert metric(lab, "ModelLatency", dimensions) > 0
    assert metric(lab, "InvocationModelErrors", dimensions) == 0
    assert metric(lab, "Invocations", {"EndpointName": endpoint}) == 0, "CloudWatch keeps dimensions apart"
    log = lab.client("logs").filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")["events"]
    assert any("Serving" in event["message"] for event in log)


def test_a_stream_arrives_in_pieces(lab: Lab, endpoint: str) -> None:
    asked = {"inputs": PROMPT, "parameters": {"max_new_tokens": 40}}
    whole = ask(lab, endpoint, asked)["generated_text"]
    answer = lab.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName=endpoint, ContentType="application/json", Body=json.dumps(asked | {"stream": True})
    )
    assert answer["ContentType"] == "application/jsonlines"
    pieces = [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
    lines = [json.loads(line) for line in b"".join(pieces).splitlines()]
    assert len(pieces) > 3, "the answer must not be held back to the end"
    assert "".join(line["token"]["text"] for line in lines) == lines[-1]["generated_text"] == whole


def test_the_containers_errors_are_model_errors(lab: Lab, endpoint: str) -> None:
    runtime = lab.client("sagemaker-runtime")
    for invoke in (runtime.invoke_endpoint, runtime.invoke_endpoint_with_response_stream):
        with pytest.raises(runtime.exceptions.ModelError) as refused:
            invoke(EndpointName=endpoint, ContentType="application/json", Body=b'{"inputs": ""}')
        answer = refused.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
        assert answer["OriginalStatusCode"] == 400
        assert "inputs must be" in answer["OriginalMessage"]
        assert "Received client error (400) from primary with message" in answer["Error"]["Message"]
        assert f"/aws/sagemaker/Endpoints/{endpoint}" in answer["LogStreamArn"]
    dimensions = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    assert metric(lab, "Invocation4XXErrors", dimensions) >= 2
    assert metric(lab, "Invocation5XXErrors", dimensions) == 0


def test_requests_that_no_one_can_answer(lab: Lab, endpoint: str, shared: str) -> None:
    runtime = lab.client("sagemaker-runtime")
    with pytest.raises(
        runtime.exceptions.ValidationError, match="Endpoint nowhere of account 000000000000 not found"
    ):
        ask(lab, "nowhere", {"inputs": "x"})
    with pytest.raises(runtime.exceptions.ValidationError, match="header is required"):
        ask(lab, shared, {"inputs": "x"})
    with pytest.raises(runtime.exceptions.ValidationError, match="header is not allowed"):
        ask(lab, endpoint, {"inputs": "x"}, InferenceComponentName="some")
    with pytest.raises(runtime.exceptions.ValidationError, match="Inference Component other of account"):
        ask(lab, shared, {"inputs": "x"}, InferenceComponentName="other")
    with pytest.raises(runtime.exceptions.ValidationError, match="less than or equal to 6291456"):
        ask(lab, endpoint, b"x" * 6291457)


def test_an_update_moves_over_and_a_failing_one_moves_back(lab: Lab, model: dict[str, str]) -> None:
    sagemaker = lab.client("sagemaker")
    first = make_config(lab, make_model(lab, {"ModelDataUrl": model["archive"]}))
    name = make_endpoint(lab, first)
    assert settled(lab, "endpoint", name)["EndpointStatus"] == "InService"
    before = ask(lab, name, {"inputs": PROMPT})
    empty = lab.put("empty.tar.gz", packed_nothing())
    broken = make_config(lab, make_model(lab, {"ModelDataUrl": empty}))
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=broken)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName=name)
    assert ask(lab, name, {"inputs": PROMPT}) == before, "the old one serves until then"
    rolled_back = settled(lab, "endpoint", name)
    assert (rolled_back["EndpointStatus"], rolled_back["EndpointConfigName"]) == ("InService", first)
    assert "did not pass the ping health check" in rolled_back["FailureReason"]
    second = make_config(lab, make_model(lab, {"ModelDataUrl": model["archive"]}), InitialInstanceCount=2)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
    moved = settled(lab, "endpoint", name)
    assert (moved["EndpointConfigName"], moved["ProductionVariants"][0]["CurrentInstanceCount"]) == (
        second,
        2,
    )
    assert "FailureReason" not in moved
    assert ask(lab, name, {"inputs": PROMPT}) == before
    sagemaker.delete_endpoint(EndpointName=name)
    gone(lab, "endpoint", name)


def test_a_model_that_does_not_start_fails_the_endpoint(lab: Lab, model: dict[str, str]) -> None:
    junk = make_endpoint(lab, make_config(lab, make_model(lab, {"ModelDataUrl": model["junk"]})))
    found = settled(lab, "endpoint", junk)
    assert found["EndpointStatus"] == "Failed"
    assert "Failed to download model data" in found["FailureReason"]
    with pytest.raises(ClientError, match="Could not find model data"):
        make_model(lab, {"ModelDataUrl": f"s3://{lab.bucket}/nothing.tar.gz"})
    other = make_endpoint(lab, make_config(lab, make_model(lab, {"Image": "example/other:1"})))
    assert "no program in place of image" in settled(lab, "endpoint", other)["FailureReason"]
    for name in (junk, other):
        with pytest.raises(ClientError, match="not found"):
            ask(lab, name, {"inputs": "x"})
        lab.client("sagemaker").delete_endpoint(EndpointName=name)
        gone(lab, "endpoint", name)


def test_base_and_adapter_answer_side_by_side_each_under_its_own_name(lab: Lab, shared: str) -> None:
    base = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-base")
    tuned = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned")
    assert base["generated_text"] != tuned["generated_text"]
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-base") == base
    assert metric(lab, "Invocations", {"InferenceComponentName": f"{shared}-base"}) == 2
    assert metric(lab, "Invocations", {"InferenceComponentName": f"{shared}-tuned"}) == 1
    assert metric(lab, "Invocations", {"EndpointName": shared, "VariantName": "AllTraffic"}) == 0
    listed = lab.client("sagemaker").list_inference_components(EndpointNameEquals=shared)[
        "InferenceComponents"
    ]
    assert {row["InferenceComponentName"] for row in listed} == {f"{shared}-base", f"{shared}-tuned"}


def test_components_block_what_would_break_them(lab: Lab, shared: str) -> None:
    sagemaker = lab.client("sagemaker")
    with pytest.raises(ClientError, match="hosts inference components") as blocked:
        sagemaker.delete_endpoint(EndpointName=shared)
    assert blocked.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="adapter inference components use it"):
        sagemaker.delete_inference_component(InferenceComponentName=f"{shared}-base")
    with pytest.raises(ClientError, match="ComputeResourceRequirements is required"):
        sagemaker.create_inference_component(
            InferenceComponentName="x",
            EndpointName=shared,
            VariantName="AllTraffic",
            Specification={"ModelName": "any"},
            RuntimeConfig={"CopyCount": 1},
        )


def test_a_new_adapter_replaces_the_old_one_if_it_loads(lab: Lab, shared: str, model: dict[str, str]) -> None:
    sagemaker, name = lab.client("sagemaker"), f"{shared}-tuned"
    old = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name)

    def change(uri: str) -> dict[str, Any]:
        specification = {"BaseInferenceComponentName": f"{shared}-base", "Container": {"ArtifactUrl": uri}}
        sagemaker.update_inference_component(InferenceComponentName=name, Specification=specification)
        return settled(lab, "inference_component", name)

    assert "not a tar.gz archive" in change(model["junk"])["FailureReason"]
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name) == old
    assert "FailureReason" not in change(model["adapter-2"])
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name) != old
    change(model["adapter-1"])
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name) == old


def test_an_adapter_that_does_not_load_is_in_service_and_answers_with_errors(
    lab: Lab, shared: str, model: dict[str, str]
) -> None:
    sagemaker, name = lab.client("sagemaker"), lab.unique("unfitting")
    specification = {
        "BaseInferenceComponentName": f"{shared}-base",
        "Container": {"ArtifactUrl": model["unfitting"]},
    }
    sagemaker.create_inference_component(
        InferenceComponentName=name, EndpointName=shared, Specification=specification
    )
    found = settled(lab, "inference_component", name)
    assert found["InferenceComponentStatus"] == "InService" and "FailureReason" not in found
    runtime = lab.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError, match="not loaded"):
        ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=name)
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-base")
    sagemaker.delete_inference_component(InferenceComponentName=name)
    gone(lab, "inference_component", name)


def test_scaled_to_zero_and_back_with_its_adapter(lab: Lab, shared: str) -> None:
    sagemaker, runtime = lab.client("sagemaker"), lab.client("sagemaker-runtime")
    tuned = ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned")

    def scale(count: int) -> int:
        sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=f"{shared}-base", DesiredRuntimeConfig={"CopyCount": count}
        )
        component = settled(lab, "inference_component", f"{shared}-base")
        return int(component["RuntimeConfig"]["CurrentCopyCount"])

    assert scale(0) == 0
    with pytest.raises(runtime.exceptions.ValidationError, match="has no capacity to process this request"):
        ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned")
    assert metric(lab, "NoCapacityInvocationFailures", {"InferenceComponentName": f"{shared}-tuned"}) == 1
    assert scale(1) == 1
    assert ask(lab, shared, {"inputs": PROMPT}, InferenceComponentName=f"{shared}-tuned") == tuned


def test_a_container_that_dies_breaks_its_stream_and_restarts(lab: Lab, endpoint: str, cloud: Cloud) -> None:
    before = ask(lab, endpoint, {"inputs": PROMPT})
    asked = {"inputs": PROMPT, "parameters": {"max_new_tokens": 200}, "stream": True}
    answer = lab.client("sagemaker-runtime").invoke_endpoint_with_response_stream(
        EndpointName=endpoint, ContentType="application/json", Body=json.dumps(asked)
    )
    events = iter(answer["Body"])
    next(events)
    [container] = containers_of(cloud, endpoint)
    os.killpg(container, signal.SIGKILL)
    with pytest.raises(EventStreamError, match="ModelStreamError"):
        for _ in events:
            pass
    eventually(_answers(lab, endpoint), seconds=60, why="it did not come back")
    assert ask(lab, endpoint, {"inputs": PROMPT}) == before
    assert containers_of(cloud, endpoint) != [container]
    log = lab.client("logs").filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")["events"]
    assert any("ended with exit code 137" in event["message"] for event in log)


def packed_nothing() -> bytes:
    content = io.BytesIO()
    tarfile.open(fileobj=content, mode="w:gz").close()
    return content.getvalue()


def containers_of(cloud: Cloud, endpoint: str) -> list[int]:
    """The process groups of an endpoint's containers, by the cloud's own records."""
    folders = {path.name for path in (cloud.state_dir / "endpoints" / endpoint).iterdir()}
    return [entry["pid"] for entry in processes.recorded(cloud.state_dir) if entry["name"] in folders]


def _answers(lab: Lab, endpoint: str) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return bool(ask(lab, endpoint, {"inputs": PROMPT}))
        except ClientError:
            return False

    return look


def test_network_interfaces_outlive_their_endpoint_and_hold_group_and_subnet(lab: Lab) -> None:
    ec2, sagemaker = lab.client("ec2"), lab.client("sagemaker")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/26")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=lab.unique("g"), Description="d", VpcId=vpc)["GroupId"]
    config = lab.unique("config")
    sagemaker.create_endpoint_config(
        EndpointConfigName=config,
        ProductionVariants=[{"VariantName": "All", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
        ExecutionRoleArn=lab.role_arn,
        VpcConfig={"Subnets": [subnet], "SecurityGroupIds": [group]},
    )
    name = make_endpoint(lab, config)
    settled(lab, "endpoint", name)
    sagemaker.delete_endpoint(EndpointName=name)
    gone(lab, "endpoint", name)

    def left() -> list[Any]:
        filters = [{"Name": "group-id", "Values": [group]}]
        return list(ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"])

    assert [each["SubnetId"] for each in left()] == [subnet]
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    eventually(lambda: not left(), why="the interface stays")
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet)
