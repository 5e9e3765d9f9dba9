"""Warns, snoozes, reaps, restores: the function as deployed, on endpoints that really serve."""

import io
import json
import tarfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from finexpert.service.endpoint import restore, switch
from tests.fakes.serving_model import build_adapter, build_model
from tests.fakes.waiting import eventually
from tests.functional.cloud_session import make_role
from tests.functional.reaper.reaper_lab import AUDIT_BUCKET, MakeClient, Statement, permit, without

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
PROJECT = [{"Key": "finexpert:project", "Value": "FinExpert"}]
NAME = "forgotten"
Reap = Callable[..., dict[str, Any]]


def generated(client: MakeClient, component: str) -> str:
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME,
        InferenceComponentName=component,
        ContentType="application/json",
        Body=json.dumps({"inputs": "The results", "parameters": {"max_new_tokens": 8}}),
    )
    return str(json.loads(answer["Body"].read())["generated_text"])


def settle(client: MakeClient, component: str) -> None:
    def look() -> bool:
        found = client("sagemaker").describe_inference_component(InferenceComponentName=component)
        assert found["InferenceComponentStatus"] != "Failed", found.get("FailureReason")
        return bool(found["InferenceComponentStatus"] == "InService")

    eventually(look, seconds=120)


@pytest.fixture(scope="module")
def endpoint(client: MakeClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An endpoint with a base component and an adapter, tagged as the project's, never called."""
    folder = tmp_path_factory.mktemp("model")
    weights = build_model(folder / "weights")
    client("s3").create_bucket(Bucket="weights")
    for path in weights.iterdir():
        client("s3").put_object(Bucket="weights", Key=f"base/{path.name}", Body=path.read_bytes())
    adapter = io.BytesIO()
    with tarfile.open(fileobj=adapter, mode="w:gz") as archive:
        archive.add(build_adapter(folder / "adapter", weights, seed=1), arcname=".")
    client("s3").put_object(Bucket="weights", Key="adapter.tar.gz", Body=adapter.getvalue())
    reads = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    execution = make_role(client("iam"), "execution", reads, services=("sagemaker.amazonaws.com",))
    sagemaker = client("sagemaker")
    source = {
        "S3DataSource": {"S3Uri": "s3://weights/base/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    }
    sagemaker.create_model(
        ModelName=NAME,
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataSource": source,
            "Environment": {"OPTION_MAX_LORAS": "2"},
        },
        ExecutionRoleArn=execution,
    )
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1",
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME, ProductionVariants=[variant], ExecutionRoleArn=execution
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME, Tags=PROJECT)
    eventually(lambda: sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"] == "InService")
    specifications: dict[str, Any] = {
        "base": {"ModelName": NAME, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}},
        "tuned": {
            "BaseInferenceComponentName": "base",
            "Container": {"ArtifactUrl": "s3://weights/adapter.tar.gz"},
        },
    }
    for component, specification in specifications.items():
        more = {"VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": 1}} if component == "base" else {}
        sagemaker.create_inference_component(
            InferenceComponentName=component,
            EndpointName=NAME,
            Specification=specification,
            Tags=PROJECT,
            **more,
        )
        settle(client, component)
    return NAME


def decided(answer: dict[str, Any]) -> str:
    [decision] = answer["decisions"]
    assert answer["complete"] is True, answer
    return f"{decision['action']}: {decision['reason']}"


def test_warns_snoozes_reaps_and_restores(client: MakeClient, reaper: Reap, endpoint: str) -> None:
    arn = client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointArn"]

    def tags() -> dict[str, str]:
        return {t["Key"]: t["Value"] for t in client("sagemaker").list_tags(ResourceArn=arn)["Tags"]}

    time.sleep(2)  # the idle time is a second
    assert decided(reaper(WARN_MINUTES="0.1")).startswith("warn: idle: warned")
    assert "finexpert:delete-after" in tags()

    switch.snooze(client, endpoint, 1, datetime.now(UTC))
    assert "finexpert:delete-after" not in tags()
    assert "protected by its tag" in decided(reaper(WARN_MINUTES="0.1"))

    client("sagemaker").delete_tags(ResourceArn=arn, TagKeys=["finexpert:keep"])
    assert decided(reaper(WARN_MINUTES="0.1")).startswith("warn")
    time.sleep(7)
    assert "deleted; snapshot s3://" in decided(reaper(WARN_MINUTES="0.1"))

    def names() -> list[str]:
        return [e["EndpointName"] for e in client("sagemaker").list_endpoints()["Endpoints"]]

    eventually(lambda: endpoint not in names(), why="the endpoint is still there")
    assert not client("sagemaker").list_inference_components()["InferenceComponents"]

    steps: list[str] = []
    restore.restore(client, lambda region: client, AUDIT_BUCKET, endpoint, datetime.now(UTC), steps.append)
    assert "component tuned is in service" in steps
    assert generated(client, "base") and generated(client, "tuned")
    assert tags() == {"finexpert:project": "FinExpert"}

    def kept_after_a_call() -> bool:  # use counts by the minute: where one turns in between, it is idle again
        return bool(generated(client, "tuned")) and decided(reaper(DRY_RUN="true")).startswith("keep: ")

    eventually(kept_after_a_call, why="it was called a moment ago")


def test_a_right_that_is_missing_is_reported_and_nothing_is_claimed(
    client: MakeClient, reaper: Reap, policy: list[Statement], endpoint: str
) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_endpoint(EndpointName="refused", EndpointConfigName=NAME, Tags=PROJECT)
    eventually(lambda: sagemaker.describe_endpoint(EndpointName="refused")["EndpointStatus"] == "InService")
    permit(client, "reaper", without(policy, "sagemaker:DeleteEndpoint"))
    time.sleep(2)
    try:
        answer = reaper()
    finally:
        permit(client, "reaper", policy)
    [decision] = [d for d in answer["decisions"] if d["endpoint"] == "refused"]
    assert decision["action"] == "notify" and "sagemaker:DeleteEndpoint" in decision["reason"], decision
    assert sagemaker.describe_endpoint(EndpointName="refused")["EndpointStatus"] == "InService"


def test_a_kind_that_may_not_be_listed_is_reported_and_stops_nothing(
    client: MakeClient, reaper: Reap, policy: list[Statement], endpoint: str
) -> None:
    permit(client, "reaper", without(policy, "sagemaker:ListTrainingJobs"))
    try:
        answer = reaper(DRY_RUN="true")
    finally:
        permit(client, "reaper", policy)
    assert "AccessDenied" in answer["others"]["unlisted"]["training-jobs"]
    assert answer["complete"] is True and answer["decisions"]
