"""`hosting: merged` on an embedded cloud: a run merges, wakes the endpoint, and the merged model answers."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.aws.s3 import S3Address, sizes
from core.endpoint.hosting import HostingState
from finexpert import paths
from finexpert.demo.cdk import Cdk
from finexpert.demo.children import Children
from finexpert.service import target
from finexpert.service.asking import inference
from finexpert.service.deployment import Deployment
from finexpert.service.endpoint import switch
from finexpert.service.runs import base_model, datasets, executions
from localcloud import lifecycle

SETTINGS = {
    "FINEXPERT_HOSTING": "merged",
    "FINEXPERT_REAPER_PERIOD_MINUTES": "60",
    "FINEXPERT_HYPERPARAMETERS": json.dumps({"epoch": "1", "max_input_length": "128"}),
}
PATIENCE_SECONDS = 400


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployment]:
    """The app with merged hosting and the local base's weights."""
    cloud = lifecycle.up(tmp_path / "cloud", options=lifecycle.CloudOptions(owner_pid=os.getpid()))
    children = Children()
    try:
        ours = {key: value for key, value in os.environ.items() if not key.startswith("FINEXPERT_")}
        own = target.of_cloud(cloud, {**ours, **SETTINGS})
        cdk = Cdk(own.environment, tmp_path / "cdk.out", tmp_path / "cdk.log", children)
        account, region = (own.environment[f"CDK_DEFAULT_{name}"] for name in ("ACCOUNT", "REGION"))
        cdk.synth(_unheard)
        cdk.bootstrap(account, region, _unheard)
        cdk.deploy(_unheard)
        deployment = Deployment(own, own.settings())
        bucket = deployment.data_bucket
        place = S3Address(bucket, base_model.PREFIX)
        base_model.upload(own.client("s3"), folder=paths.BASE_MODEL, location=place)
        yield deployment
        cdk.destroy(_unheard)
    finally:
        children.stop()
        lifecycle.down(tmp_path / "cloud")


def test_a_run_merges_and_the_endpoint_serves_what_it_merged(deployed: Deployment) -> None:
    s3 = deployed.target.client("s3")
    dataset = datasets.upload(s3, bucket=deployed.data_bucket, path=paths.SAMPLE)
    run = executions.start(deployed, dataset=dataset, hyperparameters={}, wake=True, now=datetime.now(UTC))
    until = time.monotonic() + PATIENCE_SECONDS
    while (execution := executions.describe(deployed, run))[
        "status"
    ] == "RUNNING" and time.monotonic() < until:
        time.sleep(1)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")

    state = switch.read(deployed)
    assert state.state is HostingState.AWAKE
    assert state.artifact.endswith(f"/runs/{run}/output/model.tar.gz")
    bucket = deployed.output("Storage", "ArtifactBucketName")
    listed = sizes(s3, S3Address(bucket, f"runs/{run}/checkpoints/merged/"))
    wanted = {"config.json", "tokenizer.json", "model.safetensors", "model.safetensors.index.json"}
    assert wanted <= listed.keys()
    sagemaker = deployed.target.client("sagemaker")
    (model,) = sagemaker.list_models()["Models"]
    container = sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
    source = container["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"] == f"s3://{bucket}/runs/{run}/checkpoints/merged/"

    (answer,) = inference.ask(deployed, "Net revenue rose", {"max_new_tokens": 8, "do_sample": False})
    assert answer.model == "tuned"
    assert answer.text
    switch.sleep(deployed, progress=lambda state, seconds: None)
    assert sagemaker.list_endpoints()["Endpoints"] == []


def _unheard(line: str) -> None:
    """The log has it."""
