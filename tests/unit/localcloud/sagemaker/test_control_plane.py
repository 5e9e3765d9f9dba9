"""The control plane in-process: descriptions, names, tags, packages, lists; and answers as on the wire."""

import asyncio
import json
import time
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from localcloud import control
from localcloud.protocol import ApiError
from localcloud.sagemaker import api, runtime, telemetry
from localcloud.sagemaker.options import options
from tests.fakes.waiting import eventually
from tests.unit.localcloud.sagemaker.conftest import forget_everything

ROLE = "arn:aws:iam::111122223333:role/hosting"
VARIANT = {"VariantName": "v", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1}
SERVERLESS = {"VariantName": "v", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}


def call(operation: str, **params: Any) -> dict[str, Any]:
    return api.call(operation, params)


def refused(operation: str, **params: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        call(operation, **params)
    return error.value


def make_config(name: str = "config", **more: Any) -> dict[str, Any]:
    given = {"ProductionVariants": [VARIANT], "ExecutionRoleArn": ROLE} | more
    return call("CreateEndpointConfig", EndpointConfigName=name, **given)


def test_a_model_is_described_as_it_was_made(fake: Any) -> None:
    image = {"Image": "djl-inference"}
    arn = call("CreateModel", ModelName="M1", PrimaryContainer=image, ExecutionRoleArn=ROLE)["ModelArn"]
    assert arn == "arn:aws:sagemaker:eu-central-1:111122223333:model/m1"
    found = call("DescribeModel", ModelName="M1")
    assert found["PrimaryContainer"] == {"Image": "djl-inference"}
    assert abs(found["CreationTime"] - time.time()) < 5, "times are epoch seconds"
    assert "LastModifiedTime" not in found, "a model has none on AWS"
    json.dumps(found)


def test_names_are_taken_once_and_missing_ones_said_as_aws_does(fake: Any) -> None:
    make_config()
    assert refused("DescribeEndpoint", EndpointName="Nope").message == (
        'Could not find endpoint "arn:aws:sagemaker:eu-central-1:111122223333:endpoint/nope".'
    )
    with pytest.raises(ApiError) as taken:
        make_config()
    assert taken.value.code == "ValidationException"
    assert taken.value.message.startswith("Cannot create already existing endpoint configuration")
    missing = refused("CreateEndpoint", EndpointName="e", EndpointConfigName="other").message
    assert "Could not find endpoint configuration" in missing


def test_accounts_and_regions_do_not_see_each_other(fake: Any) -> None:
    make_config()
    fake.where = ("111122223333", "us-east-1")
    assert call("ListEndpointConfigs")["EndpointConfigs"] == []
    make_config()
    fake.where = ("999999999999", "eu-central-1")
    assert refused("DescribeEndpointConfig", EndpointConfigName="config")
    assert api.tagged_resources() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ExecutionRoleArn": None}, "ExecutionRoleArn is required"),
        ({"ProductionVariants": [SERVERLESS]}, "serverless"),
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/x"}}}, "asynchronous"),
        ({"ProductionVariants": [VARIANT | {"ModelName": "none"}]}, "Could not find model"),
        ({"ProductionVariants": [VARIANT] * 2}, "must be unique"),
    ],
)
def test_endpoint_configurations_that_could_not_run(fake: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError, match=words):
        make_config(**changes)


def test_lists_are_ordered_filtered_and_cut(fake: Any) -> None:
    for number in range(12):
        make_config(f"config-{number:02}")
        time.sleep(0.001)
    first = call("ListEndpointConfigs")
    assert [row["EndpointConfigName"] for row in first["EndpointConfigs"]][:2] == ["config-11", "config-10"]
    assert len(first["EndpointConfigs"]) == 10
    rest = call("ListEndpointConfigs", NextToken=first["NextToken"])
    assert [row["EndpointConfigName"] for row in rest["EndpointConfigs"]] == ["config-01", "config-00"]
    assert "NextToken" not in rest
    sorting = {"NameContains": "-07", "SortBy": "Name", "SortOrder": "Ascending"}
    named = call("ListEndpointConfigs", **sorting, MaxResults=100)
    keys = {"EndpointConfigName", "EndpointConfigArn", "CreationTime"}
    assert [set(row) for row in named["EndpointConfigs"]] == [keys]
    message = refused("ListEndpointConfigs", MaxResults=101).message
    assert "Member must have value less than or equal to 100" in message


def test_tags(fake: Any) -> None:
    arn = make_config(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])["EndpointConfigArn"]
    new = {"Key": "a", "Value": "3"}
    assert call("AddTags", ResourceArn=arn, Tags=[new])["Tags"][0] == new
    call("DeleteTags", ResourceArn=arn, TagKeys=["b", "never"])
    assert call("ListTags", ResourceArn=arn) == {"Tags": [{"Key": "a", "Value": "3"}]}
    assert api.tagged_resources() == [(arn, {"a": "3"})]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert refused("AddTags", ResourceArn=arn, Tags=many).code == "ResourceLimitExceeded"
    assert call("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}], "nothing of it was kept"
    call("DeleteEndpointConfig", EndpointConfigName="config")
    assert "Could not find resource" in refused("ListTags", ResourceArn=arn).message


def test_model_packages_are_numbered_approved_and_listed(fake: Any) -> None:
    call("CreateModelPackageGroup", ModelPackageGroupName="Models", Tags=[{"Key": "a", "Value": "1"}])
    arns = [
        call(
            "CreateModelPackage",
            ModelPackageGroupName="Models",
            ModelApprovalStatus=status,
            CustomerMetadataProperties={"run": status},
        )["ModelPackageArn"]
        for status in ("Rejected", "PendingManualApproval")
    ]
    assert arns[1] == "arn:aws:sagemaker:eu-central-1:111122223333:model-package/models/2"
    approved = {"ModelApprovalStatus": "Approved", "CustomerMetadataProperties": {"x": "y"}}
    call("UpdateModelPackage", ModelPackageArn=arns[1], **approved)
    found = call("DescribeModelPackage", ModelPackageName=arns[1])
    assert (found["ModelPackageVersion"], found["ModelApprovalStatus"]) == (2, "Approved")
    assert found["CustomerMetadataProperties"] == {"run": "PendingManualApproval", "x": "y"}
    listed = call("ListModelPackages", ModelPackageGroupName="Models", ModelApprovalStatus="Approved")
    assert [row["ModelPackageVersion"] for row in listed["ModelPackageSummaryList"]] == [2]
    assert refused("DeleteModelPackageGroup", ModelPackageGroupName="Models").code == "ConflictException"
    for arn in arns:
        call("DeleteModelPackage", ModelPackageName=arn)
    third = call("CreateModelPackage", ModelPackageGroupName="Models")["ModelPackageArn"]
    assert third.endswith("/3"), "never given twice"
    tags = [{"Key": "a", "Value": "b"}]
    tagged = refused("CreateModelPackage", ModelPackageGroupName="Models", Tags=tags)
    assert "Tags cannot be" in tagged.message
    eventually(lambda: len(fake.events) >= 4)
    kinds = {kind for kind, _ in fake.events}
    assert kinds == {"SageMaker Model Package State Change"}


def test_an_endpoint_for_components_goes_through_its_states(fake: Any) -> None:
    make_config()
    call("CreateEndpoint", EndpointName="E", EndpointConfigName="config")
    eventually(lambda: call("DescribeEndpoint", EndpointName="E")["EndpointStatus"] == "InService")
    described = call("DescribeEndpoint", EndpointName="E")
    assert not [name for name in described if name.startswith("_")], "internal fields are not shown"
    call("DeleteEndpointConfig", EndpointConfigName="config")
    call("DeleteEndpoint", EndpointName="E")
    eventually(lambda: not call("ListEndpoints")["Endpoints"])
    statuses = [detail["EndpointStatus"] for kind, detail in fake.events if "Endpoint" in kind]
    assert statuses == ["CREATING", "IN_SERVICE", "DELETING"]
    assert isinstance(fake.events[0][1]["CreationTime"], int), "events tell times in milliseconds"


def test_invocations_are_counted_under_exactly_one_set_of_dimensions(fake: Any) -> None:
    variant = telemetry.invocation_dimensions("e", "v", None)
    assert variant == {"EndpointName": "e", "VariantName": "v"}
    component = telemetry.invocation_dimensions("e", "v", "c")
    assert component == {"InferenceComponentName": "c"}
    telemetry.put_invocation(component, status=500, copies=2, model_seconds=0.5, overhead_seconds=0.25)
    assert {dimensions["InferenceComponentName"] for *_, dimensions in fake.metrics} == {"c"}
    values = {name: value for _, name, value, _ in fake.metrics}
    assert values == {
        "Invocations": 1,
        "InvocationsPerCopy": 0.5,
        "Invocation4XXErrors": 0,
        "Invocation5XXErrors": 1,
        "InvocationModelErrors": 1,
        "ModelLatency": 500_000,
        "OverheadLatency": 250_000,
    }


def test_botocore_reads_our_event_stream() -> None:
    buffer = EventStreamBuffer()
    end = runtime.exception_message("ModelStreamError", Message="broke", ErrorCode="X")
    sent = runtime.payload_part(b"\x00text") + end
    for start in range(0, len(sent), 7):  # in pieces, as a network gives it
        buffer.add_data(sent[start : start + 7])
    part, error = list(buffer)
    assert (part.headers[":event-type"], part.payload) == ("PayloadPart", b"\x00text")
    assert error.headers[":exception-type"] == "ModelStreamError"
    assert json.loads(error.payload) == {"Message": "broke", "ErrorCode": "X"}
    spoilt = bytearray(runtime.payload_part(b"text"))
    spoilt[-6] ^= 1
    broken = EventStreamBuffer()
    broken.add_data(bytes(spoilt))
    with pytest.raises(Exception, match="Checksum"):
        list(broken)


def request(method: str, path: str, body: bytes, target: str = "") -> tuple[int, dict[str, str], Any]:
    headers = {"x-amz-target": target} if target else {}
    status, answered, content = asyncio.run(api.handle_request(method, path, headers, body, {}))
    assert isinstance(content, bytes)
    return status, answered, json.loads(content)


def test_http_answers_and_errors(fake: Any) -> None:
    status, headers, answer = request("POST", "/", b"{}", "SageMaker.ListEndpoints")
    assert (status, headers["Content-Type"], answer) == (200, "application/x-amz-json-1.1", {"Endpoints": []})
    status, headers, answer = request("POST", "/", b"{}", "SageMaker.ListFlows")
    assert (status, answer["__type"]) == (400, "UnknownOperationException")
    assert headers["x-amzn-errortype"] == "UnknownOperationException"
    assert request("POST", "/", b"[", "SageMaker.ListEndpoints")[2]["__type"] == "SerializationException"
    assert request("GET", "/elsewhere", b"")[2]["__type"] == "UnknownOperationException"
    assert request("POST", "/endpoints/e/async-invocations", b"")[2]["__type"] == "UnknownOperationException"
    reserved = {"ModelPackageGroupName": "g", "Tags": [{"Key": "aws:x", "Value": "1"}]}
    answer = request("POST", "/", json.dumps(reserved).encode(), "SageMaker.CreateModelPackageGroup")[2]
    assert "aws: prefixed tag key names are not allowed" in answer["message"]
    call("CreateModelPackageGroup", **reserved)  # services themselves may
    status, headers, answer = request("POST", "/endpoints/e/invocations", b"{}")
    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationError")
    assert answer["Message"] == "Endpoint e of account 111122223333 not found."


def test_options_are_set_checked_and_reset(fake: Any) -> None:
    assert control.act("POST options", b'{"stop_grace": 2}', 0)["stop_grace"] == 2
    with pytest.raises(ApiError, match="Unknown option"):
        control.act("POST options", b'{"grace": 2}', 0)
    with pytest.raises(ApiError, match="number of seconds"):
        control.act("POST options", b'{"look": "x"}', 0)
    forget_everything()
    assert options.stop_grace == 120
