"""Endpoints, end to end with boto3: real processes serve a tiny Llama."""

import io
import json
import os
import signal
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError

from localcloud import processes
from localcloud.lifecycle import Cloud
from tests.fakes.waiting import eventually
from tests.functional.sagemaker.hosting_lab import (
    PROMPT,
    ask,
    in_service,
    make_config,
    make_endpoint,
    make_model,
    metric,
    remove,
    settled,
)
from tests.functional.sagemaker.sagemaker_lab import Lab


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
    remove(lab, "endpoint", name)


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


def test_an_update_moves_over_and_a_failing_one_moves_back(lab: Lab, model: dict[str, str]) -> None:
    sagemaker = lab.client("sagemaker")
    first = make_config(lab, make_model(lab, {"ModelDataUrl": model["archive"]}))
    name = in_service(lab, first)
    before = ask(lab, name, {"inputs": PROMPT})
    nothing = io.BytesIO()
    tarfile.open(fileobj=nothing, mode="w:gz").close()
    empty = lab.put("empty.tar.gz", nothing.getvalue())
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
    remove(lab, "endpoint", name)


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
        remove(lab, "endpoint", name)


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
    remove(lab, "endpoint", name)

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
