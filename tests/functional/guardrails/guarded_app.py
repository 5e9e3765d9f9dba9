"""The production app on an embedded cloud that checks every request: signed, allowed, over TLS.

For tests that need a separate one; those of the life of a run share the one in tests/functional/app.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from core.aws.s3 import S3Address
from finexpert import paths
from finexpert.demo.cdk import Cdk
from finexpert.demo.children import Children
from finexpert.service import target
from finexpert.service.deployment import Deployment
from finexpert.service.runs import base_model, executions
from localcloud import environment, lifecycle
from localcloud.lifecycle import Cloud, CloudOptions
from tests.fakes.waiting import eventually
from tests.functional.cloud_session import make_queue, policy

# The schedules stay out of the way: what they would call is called by the tests.
SETTINGS = {
    "FINEXPERT_BUDGET_USD": "2000",  # many runs, each admitted with its worst case
    "FINEXPERT_IDLE_MINUTES": "60",
    "FINEXPERT_MIN_AGE_MINUTES": "60",
    "FINEXPERT_REAPER_PERIOD_MINUTES": "60",
    "FINEXPERT_SPEND_GUARD_PERIOD_MINUTES": "60",
    # Eight questions of each set, since 40 take a third of a job.
    "FINEXPERT_HYPERPARAMETERS": json.dumps(
        {"epoch": "1", "max_input_length": "128", "evaluation_items": "8"}
    ),
}
# What a person's shell may hold that no child of ours, log, report, template or error may show.
CANARY = "canary-0f6d5b1e"
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN", "GITHUB_TOKEN", "MY_PASSWORD")
QUICK = {"stop_grace": 3, "look": 0.1, "checkpoint_sync": 0.3, "endpoint_grace": 3}


@dataclass(frozen=True)
class App:
    """A cloud with the app synthesized for it, deployed and destroyed as often as a test likes."""

    cloud: Cloud
    cdk: Cdk
    deployment: Deployment

    def client(self, service: str) -> Any:
        """A client of the account's root that sends each request once."""
        return self.deployment.target.client(service)

    def deploy(self) -> None:
        """`cdk deploy --all`, and the base weights into the data bucket."""
        self.cdk.deploy(unheard)
        bucket = self.deployment.data_bucket
        place = S3Address(bucket, base_model.PREFIX)
        base_model.upload(self.client("s3"), folder=paths.BASE_MODEL, location=place)

    def destroy(self) -> None:
        """`cdk destroy --all`."""
        self.cdk.destroy(unheard)

    def upload(self, files: int = 4) -> str:
        """A part of the shipped text as a dataset, uploaded unless it is there; its URI."""
        s3, bucket = self.client("s3"), self.deployment.data_bucket
        prefix = f"datasets/part-{files}/"
        if s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] < files:
            for file in sorted(paths.SAMPLE.glob("*.txt"))[:files]:
                s3.upload_file(str(file), bucket, f"{prefix}{file.name}")
        return f"s3://{bucket}/{prefix}"

    def start(self, *, wake: bool = False, **hyperparameters: str) -> str:
        """Start a run on that dataset; its name."""
        return executions.start(
            self.deployment,
            dataset=self.upload(),
            hyperparameters=hyperparameters,
            wake=wake,
            now=datetime.now(UTC),
        )

    def ended(self, run: str, seconds: float = 280) -> dict[str, Any]:
        """A run's execution when it has ended."""
        return eventually(
            lambda: (
                found if (found := executions.describe(self.deployment, run))["status"] != "RUNNING" else None
            ),
            seconds=seconds,
            why=f"{run} still runs",
        )

    def invoke(self, purpose: str, event: Mapping[str, Any] | None = None, **variables: str) -> Any:
        """Call a function as deployed, with some variables set for this call; its answer, or its error."""
        client, name = self.client("lambda"), self.deployment.names.function(purpose)
        before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        if variables:
            client.update_function_configuration(
                FunctionName=name, Environment={"Variables": before | variables}
            )
        try:
            answer = client.invoke(FunctionName=name, Payload=json.dumps(event or {}).encode())
            return json.loads(answer["Payload"].read())
        finally:
            if variables:
                client.update_function_configuration(FunctionName=name, Environment={"Variables": before})


@contextmanager
def guarded_app(
    folder: Path, settings: Mapping[str, str] | None = None, *, wait_scale: float = 1.0
) -> Iterator[App]:
    """A cloud that enforces IAM, bootstrapped, with the app synthesized and not yet deployed."""
    options = CloudOptions(
        owner_pid=os.getpid(), auth=True, tls=True, provision_seconds=0.05, wait_scale=wait_scale
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in SECRETS:
            patch.setenv(name, CANARY)
        cloud = lifecycle.up(folder / "cloud", options=options)
        patch.setenv("AWS_CA_BUNDLE", cloud.environment()["AWS_CA_BUNDLE"])  # boto3 in this process
        children = Children()
        try:
            ours = {key: value for key, value in os.environ.items() if not key.startswith("FINEXPERT_")}
            own = target.of_cloud(cloud, {**ours, **SETTINGS, **(settings or {})})
            cdk = Cdk(own.environment, folder / "cdk.out", folder / "cdk.log", children)
            with ThreadPoolExecutor(1) as background:
                synthesis = background.submit(cdk.synth, unheard)
                cdk.bootstrap(environment.ACCOUNT, own.environment["CDK_DEFAULT_REGION"], unheard)
                synthesis.result()
            steer(cloud, "options", QUICK)
            yield App(cloud, cdk, Deployment(own, own.settings()))
        finally:
            children.stop()
            lifecycle.down(folder / "cloud")


def steer(cloud: Cloud, path: str, asked: Mapping[str, float | str]) -> None:
    """Ask the embedded SageMaker for what AWS has no call for."""
    cloud.ask("POST", path, asked)


def patient(app: App, service: str) -> Any:
    """A client for calls that take their time."""
    return app.deployment.target.session().client(
        service,
        endpoint_url=app.cloud.endpoint_url,
        config=Config(read_timeout=300, retries={"total_max_attempts": 1}),
    )


def actions_of(statement: Mapping[str, Any]) -> list[str]:
    """A statement's actions; a template has one for a list of one."""
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def unheard(line: str) -> None:
    """The log has it."""


def names_of_endpoints(app: App) -> set[str]:
    """Of all endpoints that there are."""
    return {e["EndpointName"] for e in app.client("sagemaker").list_endpoints()["Endpoints"]}


def subscribed_queue(client: Callable[[str], Any], name: str, topics: list[str]) -> str:
    """URL of a new queue that gets every message of the topics (ARNs)."""
    sqs, sns = client("sqs"), client("sns")
    url, arn = make_queue(sqs, name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topics}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})
    for topic in topics:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def make_endpoint(app: App, name: str, *, component: str = "") -> None:
    """An endpoint with the project's tag and a component on it, made by hand."""
    component = component or f"finexpert-{name}"
    sagemaker = patient(app, "sagemaker")
    role = app.client("iam").list_roles(PathPrefix="/")["Roles"]
    serving = next(r["Arn"] for r in role if "ServingRole" in r["RoleName"])
    tags = [{"Key": "finexpert:project", "Value": "FinExpert"}]
    bucket = app.deployment.data_bucket
    source = {"S3Uri": f"s3://{bucket}/base-model/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"Image": image, "ModelDataSource": {"S3DataSource": source}},
        ExecutionRoleArn=serving,
    )
    variant = {
        "VariantName": "All",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1",
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], ExecutionRoleArn=serving
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags)
    eventually(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
    sagemaker.create_inference_component(
        InferenceComponentName=component,
        EndpointName=name,
        VariantName="All",
        Specification={"ModelName": name, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 512}},
        RuntimeConfig={"CopyCount": 1},
        Tags=tags,
    )

    def settled() -> bool:
        found = sagemaker.describe_inference_component(InferenceComponentName=component)
        assert found["InferenceComponentStatus"] != "Failed", found.get("FailureReason")
        return bool(found["InferenceComponentStatus"] == "InService")

    eventually(settled, why="the component does not serve")


def call_component(app: App, name: str) -> None:
    """One invocation of the component of such an endpoint."""
    patient(app, "sagemaker-runtime").invoke_endpoint(
        EndpointName=name,
        InferenceComponentName=f"finexpert-{name}",
        ContentType="application/json",
        Body=json.dumps({"inputs": "The results", "parameters": {"max_new_tokens": 2}}),
    )
