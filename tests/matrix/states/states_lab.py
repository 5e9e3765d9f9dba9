"""The product's state machine on the embedded cloud, around functions and a program that play a script.

The script is in the execution's hyperparameters: `validate`, `admit` and `read` are `refuse` or `break`,
`job` is `fail`, or `wait` until it is stopped, `gate` is `no`. With the `artifact` `broken` Hosting fails,
and with `slow` it waits for `StatesLab.let_wake`; `silent` models do not answer, and `unasked` ones are not
asked. Everything between them is what is deployed: the definition of `infra.training.definition`, its
requests, and the services that it calls.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

from core.names import TRAINING_LOG_GROUP
from infra.settings import Settings
from infra.training.definition import definition
from infra.training.job import FineTune, TrainingJob
from localcloud.lifecycle import Cloud
from tests.matrix.states.edges import Edge, taken

PATIENCE_SECONDS = 60
BUCKET = "states-lab"
HOSTING = "States-Hosting"
FUNCTION = """
import boto3, json, time, urllib.request

class DatasetError(Exception):
    pass

class ModelUnanswered(Exception):
    pass

def finish(event):
    if "/silent/" in event["artifact"]:
        raise ModelUnanswered("silent, as the script says")
    if "/unasked/" in event["artifact"]:
        raise KeyError("unasked, as the script says")
    broken = "/broken/" in event["artifact"]
    return {"outcome": ("failed" if event["again"] else "again") if broken else "awake"}

def serve(event):
    artifact = event["ResourceProperties"]["Artifact"]
    broken = "/broken/" in artifact and event["RequestType"] != "Delete"
    if "/slow/" in artifact and event["RequestType"] != "Delete":
        s3 = boto3.client("s3")
        while not s3.list_objects_v2(Bucket="states-lab", Prefix="let-wake").get("KeyCount"):
            time.sleep(0.1)
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "FAILED" if broken else "SUCCESS", "Reason": "as the script says"}
    answer["PhysicalResourceId"] = "the-endpoint"
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=body, method="PUT"))

def handler(event, context):
    if "ResponseURL" in event:
        return serve(event)
    if "again" in event:
        return finish(event)
    if "training_job" in event:
        step, script = "read", event["training_job"]["HyperParameters"]
    elif "spot" in event:
        step, script = "admit", event["dataset"]["hyperparameters"]
    else:
        step, script = "validate", event["hyperparameters"]
    if script.get(step) == "refuse":
        raise DatasetError("refused, as the script says")
    if script.get(step) == "break":
        raise KeyError("broken, as the script says")
    if step == "validate":
        labels = {"name": "states", "by": "lab", "data": "text"}
        return {"hyperparameters": script, "sentence": "fine", "labels": labels}
    if step == "admit":
        return {"max_runtime_seconds": 600, "max_wait_seconds": 900, "usd_per_hour": 1.5}
    artifact = "s3://states-lab/runs/" + script.get("artifact", event["run"]) + "/output/model.tar.gz"
    return {
        "passed": script.get("gate") != "no",
        "primary": {"metric": "bits_per_byte", "base": 2.0, "tuned": 1.5},
        "artifact_uri": artifact, "artifact_version": "1", "evaluation_uri": "s3://states-lab/e.json",
        "report_uri": "s3://states-lab/r.html", "usd": 0.1, "sentence": "Better.",
        "model_card": json.dumps({"model_overview": {"model_description": "Better."}}),
    }
"""
PROGRAM = """
import json, os, pathlib, signal, sys
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
does = json.loads((base / "input/config/hyperparameters.json").read_text()).get("job")
if does == "wait":
    signal.pause()  # until it is stopped
if does == "fail":
    (base / "output/failure").write_text("failed, as the script says")
    sys.exit(1)
(base / "model/adapter").write_text("weights")
"""
TEMPLATE = {
    "Parameters": {
        "ModelArtifact": {"Type": "String", "Default": ""},
        "BootstrapVersion": {"Type": "String", "Default": "1"},
    },
    "Conditions": {"Awake": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ModelArtifact"}, ""]}]}},
    "Resources": {
        "Always": {"Type": "AWS::SNS::Topic"},
        "Endpoint": {
            "Type": "Custom::Endpoint",
            "Condition": "Awake",
            "Properties": {"ServiceTimeout": PATIENCE_SECONDS, "Artifact": {"Ref": "ModelArtifact"}},
        },
    },
}
"""Hosting in small, with a custom resource in the endpoint's place; its ServiceToken is added."""


class StatesLab:
    """What a run needs, made on `cloud`, and the machines themselves: with spot and without."""

    def __init__(self, cloud: Cloud, client: Callable[[str], Any]) -> None:
        self.cloud, self.client = cloud, client
        self.started = 0
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = client("iam").create_role(RoleName="states-lab", AssumeRolePolicyDocument=policy)["Role"][
            "Arn"
        ]
        client("s3").create_bucket(Bucket=BUCKET)
        client("s3").put_object(
            Bucket=BUCKET,
            Key="code.zip",
            Body=zipped({"training/__init__.py": "", "training/__main__.py": PROGRAM}),
        )
        client("s3").put_object(Bucket=BUCKET, Key="data/a.txt", Body=b"text")
        client("sagemaker").create_model_package_group(ModelPackageGroupName="states-models")
        function = client("lambda").create_function(
            FunctionName="states-lab",
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": zipped({"index.py": FUNCTION})},
            Timeout=PATIENCE_SECONDS,
        )["FunctionArn"]
        hosting = json.loads(json.dumps(TEMPLATE))
        hosting["Resources"]["Endpoint"]["Properties"]["ServiceToken"] = function
        client("cloudformation").create_stack(StackName=HOSTING, TemplateBody=json.dumps(hosting))
        topic = client("sns").create_topic(Name="states-lab")["TopicArn"]
        self.machines: dict[bool, tuple[str, dict[str, Any]]] = {}
        for spot in (False, True):
            uri = f"s3://{BUCKET}/data/"
            flags = {"prefix": "States", "poll_seconds": 1, "base_model_uri": uri, "spot": spot}
            self.job = TrainingJob(
                settings=Settings.load(flags, {}),
                role_arn=role,
                base_model_uri=uri,
                code_uri=f"s3://{BUCKET}/code.zip",
                artifact_bucket=BUCKET,
            )
            body = definition(
                FineTune(
                    job=self.job,
                    functions=dict.fromkeys(
                        ("validate-dataset", "admission", "read-evaluation", "finish-wake"), function
                    ),
                    topic_arn=topic,
                    serving_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0",
                    hosting_role_arn="arn:aws:iam::123456789012:role/FinExpert-Hosting-us-east-1",
                )
            )
            body["TimeoutSeconds"] = PATIENCE_SECONDS
            arn = client("stepfunctions").create_state_machine(
                name=f"states-lab-{'spot' if spot else 'on-demand'}",
                definition=json.dumps(body),
                roleArn=role,
            )["stateMachineArn"]
            self.machines[spot] = arn, body

    def fail(self, **fault: Any) -> None:
        """The next request like this fails, or waits."""
        self.cloud.ask("POST", "faults", fault)

    @property
    def next_name(self) -> str:
        """What the next run will be called."""
        return f"states-{self.started}"

    def create_job(self, name: str) -> None:
        """The job of a run, as if the run had asked for it and not received the answer."""
        request = self.job.request()
        fixed = ("RoleArn", "AlgorithmSpecification", "OutputDataConfig", "ResourceConfig")
        stated = {key: value for key, value in request["Environment"].items() if not key.endswith(".$")}
        self.client("sagemaker").create_training_job(
            TrainingJobName=name,
            HyperParameters={"run": name},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
            InputDataConfig=[c for c in request["InputDataConfig"] if c["ChannelName"] != "training"],
            Environment=stated,
            **{field: request[field] for field in fixed},
        )

    def forget_log_group(self) -> None:
        """As in an account that has never trained."""
        logs = self.client("logs")
        for group in logs.describe_log_groups(logGroupNamePrefix=TRAINING_LOG_GROUP)["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])

    def stop_job(self, name: str) -> None:
        """Stop a run's training job."""
        self.client("sagemaker").stop_training_job(TrainingJobName=name)

    def let_wake(self) -> None:
        """Let an artifact wake that is slow."""
        self.client("s3").put_object(Bucket=BUCKET, Key="let-wake")

    def start(self, *, spot: bool, wake: bool = False, **script: str) -> str:
        """Start a run; returns its execution's ARN."""
        name = self.next_name
        self.started += 1
        given = {"dataset": f"s3://{BUCKET}/data/", "hyperparameters": {"run": name, **script}, "wake": wake}
        return str(
            self.client("stepfunctions").start_execution(
                stateMachineArn=self.machines[spot][0], name=name, input=json.dumps(given)
            )["executionArn"]
        )

    def ended(self, execution: str, *, spot: bool) -> tuple[str, set[Edge]]:
        """How a run ended, and the ways that it went."""
        states, deadline = self.client("stepfunctions"), time.monotonic() + PATIENCE_SECONDS
        while (status := states.describe_execution(executionArn=execution)["status"]) == "RUNNING":
            assert time.monotonic() < deadline, f"{execution} still runs"
            time.sleep(0.1)
        return status, self.ways(execution, spot=spot)

    def ways(self, execution: str, *, spot: bool) -> set[Edge]:
        """The ways that a run has gone so far."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        history = [event for page in pages.paginate(executionArn=execution) for event in page["events"]]
        return taken(self.machines[spot][1], history)


def zipped(files: dict[str, str]) -> bytes:
    """A zip archive of these files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as folder:
        for name, text in files.items():
            folder.writestr(name, text)
    return archive.getvalue()
