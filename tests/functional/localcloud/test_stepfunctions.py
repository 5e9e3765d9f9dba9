"""Step Functions tasks: what they answer, how they fail, and how executions end."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.waiting import eventually
from tests.functional.cloud_session import make_queue, make_role, settled, zipped

MakeClient = Callable[..., Any]
Run = Callable[..., dict[str, Any]]
ROLE = "arn:aws:iam::000000000000:role/states"
SDK = "arn:aws:states:::aws-sdk:"
HANDLER = """
class BudgetExceeded(Exception):
    pass

def handler(event, context):
    if event.get("usd", 0) > 25:
        raise BudgetExceeded(f"{event['usd']} of 25 dollars")
    return {"usd": event.get("usd", 0), "run": event.get("run")}
"""


@pytest.fixture
def run(client: MakeClient) -> Iterator[Run]:
    """`run(states, input)`: run a machine of these states; returns its described execution, output parsed."""
    states, machines = client("stepfunctions"), []

    def execute(task: dict[str, Any], given: Any = None, wait: bool = True, **more: Any) -> dict[str, Any]:
        body = {"StartAt": "Task", "States": {"Task": {"Type": "Task", "End": True, **task}}, **more}
        name = f"machine-{time.monotonic_ns()}"
        arn = states.create_state_machine(name=name, definition=json.dumps(body), roleArn=ROLE)[
            "stateMachineArn"
        ]
        machines.append(arn)
        execution = states.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))["executionArn"]
        return ended(client, execution) if wait else {"executionArn": execution}

    yield execute
    for arn in machines:
        states.delete_state_machine(stateMachineArn=arn)


def ended(client: MakeClient, execution: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client("stepfunctions").describe_execution(executionArn=execution)
        return None if found["status"] == "RUNNING" else found

    found = eventually(look, why=f"{execution} still runs")
    return {**found, "output": json.loads(found.get("output") or "null")}


@pytest.fixture(scope="module")
def function(client: MakeClient) -> Iterator[str]:
    client("lambda").create_function(
        FunctionName="states-admission",
        Runtime="python3.12",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": zipped(HANDLER)},
        Timeout=10,
    )
    yield "states-admission"
    client("lambda").delete_function(FunctionName="states-admission")


def test_a_lambda_s_exception_is_caught_by_its_name(run: Run, function: str) -> None:
    task = {
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "Catch": [{"ErrorEquals": ["BudgetExceeded"], "Next": "Refused", "ResultPath": "$.error"}],
        "ResultSelector": {"usd.$": "$.Payload.usd"},
    }
    states = {"Task": {"Type": "Task", "End": True, **task}, "Refused": {"Type": "Succeed"}}
    assert run(task, {"usd": 3}, States=states)["output"] == {"usd": 3}
    refused = run(task, {"usd": 31}, States=states)
    assert refused["status"] == "SUCCEEDED"
    assert refused["output"]["error"]["Error"] == "BudgetExceeded"
    cause = json.loads(refused["output"]["error"]["Cause"])
    assert (cause["errorType"], cause["errorMessage"]) == ("BudgetExceeded", "31 of 25 dollars")


def test_sagemaker_by_the_sdk_integration(run: Run, client: MakeClient) -> None:
    made = run(
        {
            "Resource": f"{SDK}sagemaker:createModelPackageGroup",
            "Parameters": {"ModelPackageGroupName.$": "$.name"},
        },
        {"name": "sfn-models"},
    )
    assert made["output"]["ModelPackageGroupArn"].endswith("model-package-group/sfn-models")
    described = run(
        {
            "Resource": f"{SDK}sagemaker:describeModelPackageGroup",
            "Parameters": {"ModelPackageGroupName": "sfn-models"},
        }
    )["output"]
    assert described["ModelPackageGroupStatus"] == "Completed"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", described["CreationTime"])
    client("sagemaker").delete_model_package_group(ModelPackageGroupName="sfn-models")


def test_sagemaker_s_errors_have_the_sdk_s_names(run: Run) -> None:
    nowhere = {"TrainingJobName": "nowhere"}
    missing_job = run({"Resource": f"{SDK}sagemaker:describeTrainingJob", "Parameters": nowhere})
    assert missing_job["status"] == "FAILED"
    assert missing_job["error"] in ("SageMaker.ResourceNotFoundException", "SageMaker.SageMakerException")
    nowhere = {"EndpointName": "nowhere"}
    missing_endpoint = run({"Resource": f"{SDK}sagemaker:describeEndpoint", "Parameters": nowhere})
    assert missing_endpoint["error"] == "SageMaker.SageMakerException"
    assert "Could not find endpoint" in missing_endpoint["cause"]
    assert "Status Code: 400" in missing_endpoint["cause"]
    typo = run({"Resource": f"{SDK}sagemaker:describeEndpoint", "Parameters": {"Name": "x"}})
    assert typo["error"] == "States.Runtime"
    assert run({"Resource": f"{SDK}sagemaker:noSuchThing", "Parameters": {}})["error"] == "States.Runtime"


def test_cloudformation_by_the_sdk_integration(run: Run, client: MakeClient) -> None:
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/sfn/p", "Type": "String", "Value": {"Ref": "V"}},
    }
    template = {
        "Parameters": {"V": {"Type": "String", "Default": "1"}, "W": {"Type": "String", "Default": "kept"}},
        "Resources": {"P": parameter},
        "Outputs": {"Kept": {"Value": {"Ref": "W"}}},
    }
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="sfn", TemplateBody=json.dumps(template))
    assert settled(cloudformation, "sfn")["StackStatus"] == "CREATE_COMPLETE"
    update = {
        "Resource": f"{SDK}cloudformation:updateStack",
        "Parameters": {
            "StackName": "sfn",
            "UsePreviousTemplate": True,
            "Parameters": [
                {"ParameterKey": "V", "ParameterValue.$": "$.value"},
                {"ParameterKey": "W", "UsePreviousValue": True},
            ],
        },
    }
    assert run(update, {"value": "2"})["output"]["StackId"].startswith("arn:aws:cloudformation:us-east-1:")
    settled(cloudformation, "sfn")
    stack = run({"Resource": f"{SDK}cloudformation:describeStacks", "Parameters": {"StackName": "sfn"}})[
        "output"
    ]["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == "kept"
    assert stack["CreationTime"].endswith("Z")
    assert client("ssm").get_parameter(Name="/sfn/p")["Parameter"]["Value"] == "2"
    again = run(update, {"value": "2"})
    assert again["error"] == "CloudFormation.CloudFormationException"
    assert "No updates are to be performed" in again["cause"]
    cloudformation.delete_stack(StackName="sfn")


def test_parameter_store_and_notifications(run: Run, client: MakeClient) -> None:
    put = {
        "Resource": f"{SDK}ssm:putParameter",
        "Parameters": {"Name": "/sfn/artifact", "Value.$": "$.uri", "Type": "String", "Overwrite": True},
    }
    assert run(put, {"uri": "s3://b/m"})["output"]["Version"] == 1
    assert client("ssm").get_parameter(Name="/sfn/artifact")["Parameter"]["Value"] == "s3://b/m"
    topic = client("sns").create_topic(Name="sfn-topic")["TopicArn"]
    queue, queue_arn = make_queue(client("sqs"), "sfn-queue")
    client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"}
    )
    publish = {
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {
            "TopicArn": topic,
            "Subject": "done",
            "Message.$": "States.Format('run {} is done', $.run)",
        },
    }
    assert run(publish, {"run": "r-1"})["output"]["MessageId"]
    received = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert [message["Body"] for message in received] == ["run r-1 is done"]
    client("sns").delete_topic(TopicArn=topic)
    client("sqs").delete_queue(QueueUrl=queue)


@pytest.fixture(scope="module")
def job(client: MakeClient) -> Iterator[dict[str, Any]]:
    """The parameters of a training job that any shell could run, but for its name and entry point."""
    role = make_role(client("iam"), "sfn-training", services=("sagemaker.amazonaws.com",))
    client("s3").create_bucket(Bucket="sfn-training")
    yield {
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": "s3://sfn-training/runs/"},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "HyperParameters": {"epoch": "1"},
    }
    stored = client("s3").list_objects_v2(Bucket="sfn-training").get("Contents", [])
    for entry in stored:
        client("s3").delete_object(Bucket="sfn-training", Key=entry["Key"])
    client("s3").delete_bucket(Bucket="sfn-training")
    client("iam").delete_role(RoleName="sfn-training")


def training(job: dict[str, Any], name: str, program: str) -> dict[str, Any]:
    algorithm = {
        "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:1",
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python", "-c", program],
    }
    return {**job, "TrainingJobName": name, "AlgorithmSpecification": algorithm}


def test_the_sdk_integration_waits_for_no_job(run: Run, job: dict[str, Any], client: MakeClient) -> None:
    parameters = training(job, "sfn-sdk", "import time; time.sleep(60)") | {"Environment": {"A": "1"}}
    create = {"Resource": f"{SDK}sagemaker:createTrainingJob", "Parameters": parameters}
    assert run(create)["output"]["TrainingJobArn"].endswith("training-job/sfn-sdk")
    assert run(create)["error"] == "SageMaker.ResourceInUseException"
    named = {"TrainingJobName": "sfn-sdk"}
    described = run({"Resource": f"{SDK}sagemaker:describeTrainingJob", "Parameters": named})["output"]
    assert described["ResourceConfig"]["VolumeSizeInGB"] == 50
    assert described["TrainingJobStatus"] == "InProgress"
    run({"Resource": f"{SDK}sagemaker:stopTrainingJob", "Parameters": named})
    describe = client("sagemaker").describe_training_job
    eventually(lambda: describe(**named)["TrainingJobStatus"] == "Stopped", why="the job was not stopped")


def events_queue(client: MakeClient, name: str) -> str:
    """A queue that gets every change of an execution's status."""
    queue, arn = make_queue(client("sqs"), name)
    pattern = {"source": ["aws.states"], "detail": {"status": ["ABORTED", "TIMED_OUT", "FAILED"]}}
    client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    client("events").put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    return queue


def statuses(client: MakeClient, queue: str, execution: str, seconds: float) -> list[str]:
    deadline, found = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        for message in (
            client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        ):
            detail = json.loads(message["Body"])["detail"]
            if detail["executionArn"] == execution:
                found.append(detail["status"])
        time.sleep(0.1)
    return found


def test_an_aborted_and_an_expired_execution_say_so_once(run: Run, client: MakeClient) -> None:
    """A task that fails after its execution has ended must not turn it into a failed one."""
    queue = events_queue(client, "sfn-status")
    task = {"Resource": f"{SDK}sagemaker:describeEndpoint", "Parameters": {"EndpointName": "nowhere"}}
    slow = {
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]
    }
    aborted = run(task | slow, wait=False)["executionArn"]
    client("stepfunctions").stop_execution(executionArn=aborted, error="Stopped", cause="by hand")
    expired = run(task | slow, wait=False, TimeoutSeconds=1)["executionArn"]
    assert ended(client, expired)["status"] == "TIMED_OUT"
    assert sorted(statuses(client, queue, expired, 3.0)) == ["TIMED_OUT"]
    assert client("stepfunctions").describe_execution(executionArn=aborted)["status"] == "ABORTED"
    client("events").remove_targets(Rule="sfn-status", Ids=["q"])
    client("events").delete_rule(Name="sfn-status")
    client("sqs").delete_queue(QueueUrl=queue)
