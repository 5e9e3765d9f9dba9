"""What policies are checked for besides actions: resources, tags, passed roles, whom a service acts as."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import environment
from localcloud.lifecycle import Cloud
from tests.functional.cloud_session import ROLES, client_of, make_role, policy, running, settled

ACCOUNT = environment.ACCOUNT
SAGEMAKER = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
SERVICES = ("states.amazonaws.com", "cloudformation.amazonaws.com")
As = Callable[..., Any]
JOB = {
    "TrainingJobName": "mine-1",
    "RoleArn": f"{ROLES}/passed",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://nowhere/"},
    "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud that checks policies."""
    with running(tmp_path_factory.mktemp("rights"), auth=True, provision_seconds=0) as cloud:
        yield cloud


def new_role(cloud: Cloud, name: str, *statements: dict[str, Any]) -> str:
    """A role that state machines and stacks may take, with exactly these rights; its ARN."""
    return make_role(client_of(cloud, "iam"), name, *statements, services=SERVICES)


@pytest.fixture
def acting_as(checking: Cloud) -> As:
    """`acting_as(service, *statements)`: a client of the service under a role with exactly these rights."""

    def make(service: str, *statements: dict[str, Any]) -> Any:
        name = f"role-{time.monotonic_ns()}"
        new_role(checking, name, *statements)
        return client_of(checking, service, name)

    return make


def allow(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    """A statement."""
    more = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def refusal(call: Callable[..., Any], **arguments: Any) -> str:
    """The error's code and message."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_a_right_on_one_job_is_none_on_another(acting_as: As) -> None:
    sagemaker = acting_as(
        "sagemaker", allow("sagemaker:DescribeTrainingJob", f"{SAGEMAKER}:training-job/mine-*")
    )
    assert "not found" in refusal(sagemaker.describe_training_job, TrainingJobName="mine-0")
    assert "AccessDenied" in refusal(sagemaker.describe_training_job, TrainingJobName="theirs-0")


def test_a_condition_on_tags_asks_the_resource(checking: Cloud, acting_as: As) -> None:
    root = client_of(checking, "sagemaker")
    for name, project in (("ours", "P"), ("theirs", "Q")):
        root.create_model_package_group(
            ModelPackageGroupName=name, Tags=[{"Key": "project", "Value": project}]
        )
    sagemaker = acting_as(
        "sagemaker", allow("sagemaker:DeleteModelPackageGroup", StringEquals={"aws:ResourceTag/project": "P"})
    )
    assert "AccessDenied" in refusal(sagemaker.delete_model_package_group, ModelPackageGroupName="theirs")
    sagemaker.delete_model_package_group(ModelPackageGroupName="ours")
    root.delete_model_package_group(ModelPackageGroupName="theirs")


def test_a_role_is_passed_only_by_who_may_and_only_to_whom(checking: Cloud, acting_as: As) -> None:
    create = allow("sagemaker:CreateTrainingJob")
    reason = refusal(acting_as("sagemaker", create).create_training_job, **JOB)
    assert "iam:PassRole" in reason and f"{ROLES}/passed" in reason
    to_lambda = {"iam:PassedToService": "lambda.amazonaws.com"}
    passing = allow("iam:PassRole", f"{ROLES}/passed", StringEquals=to_lambda)
    assert "iam:PassRole" in refusal(acting_as("sagemaker", create, passing).create_training_job, **JOB)
    to_sagemaker = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    passing = allow("iam:PassRole", f"{ROLES}/passed", StringEquals=to_sagemaker)
    acting_as("sagemaker", create, passing).create_training_job(**JOB)
    tagged = {**JOB, "TrainingJobName": "mine-2", "Tags": [{"Key": "a", "Value": "b"}]}
    reason = refusal(acting_as("sagemaker", create, passing).create_training_job, **tagged)
    assert "sagemaker:AddTags" in reason


def test_an_endpoint_is_invoked_by_who_may_invoke_it(acting_as: As) -> None:
    runtime = acting_as("sagemaker-runtime", allow("sagemaker:InvokeEndpoint", f"{SAGEMAKER}:endpoint/ours"))
    reason = refusal(runtime.invoke_endpoint, EndpointName="theirs", Body=b"{}")
    assert "sagemaker:InvokeEndpoint" in reason and "AccessDenied" in reason
    assert "not found" in refusal(runtime.invoke_endpoint, EndpointName="ours", Body=b"{}")


def test_a_task_acts_under_its_state_machines_role(checking: Cloud) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ssm:putParameter",
        "Parameters": {"Name": "/a/b", "Value": "v", "Type": "String"},
        "End": True,
    }
    definition = json.dumps({"StartAt": "Put", "States": {"Put": task}})
    outcomes = []
    for name, statements in (("may-not", ()), ("may", (allow("ssm:PutParameter"),))):
        role = new_role(checking, name, *statements)
        states = client_of(checking, "stepfunctions")
        machine = states.create_state_machine(name=name, definition=definition, roleArn=role)
        arn = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.05)
        outcomes.append((found["status"], "ssm:PutParameter" in found.get("cause", "")))
    assert outcomes == [("FAILED", True), ("SUCCEEDED", False)]


def test_a_stack_may_do_what_its_role_may(checking: Cloud) -> None:
    cloudformation = client_of(checking, "cloudformation")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "made-by-a-stack"}}
    template = json.dumps({"Resources": {"Topic": topic}})

    def made_under(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
        role = new_role(checking, name, *statements)
        cloudformation.create_stack(StackName=name, TemplateBody=template, RoleARN=role)
        return settled(cloudformation, name)

    assert made_under("poor-stack")["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName="poor-stack")["StackEvents"]
    assert any("sns:CreateTopic" in event.get("ResourceStatusReason", "") for event in events)
    assert made_under("rich-stack", allow("sns:*"))["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("operation", ["update_stack", "create_change_set"])
def test_ssm_parameters_are_read_as_the_caller(checking: Cloud, acting_as: As, operation: str) -> None:
    """Also one that keeps its previous value: the stack keeps the parameter's name."""
    root, name = client_of(checking, "cloudformation"), f"versioned-{operation.replace('_', '-')}"
    key = f"/versions/{operation}"
    client_of(checking, "ssm").put_parameter(Name=key, Value="21", Type="String")
    template = {
        "Parameters": {
            "Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": key},
            "Size": {"Type": "String", "Default": "1"},
        },
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Size"}}}},
    }
    execution = new_role(checking, f"execution-{operation}", allow("sns:*"), allow("ssm:*"))
    root.create_stack(StackName=name, TemplateBody=json.dumps(template), RoleARN=execution)
    assert settled(root, name)["StackStatus"] == "CREATE_COMPLETE"
    asked = {
        "StackName": name,
        "UsePreviousTemplate": True,
        "Parameters": [
            {"ParameterKey": "Size", "ParameterValue": "2"},
            {"ParameterKey": "Version", "UsePreviousValue": True},
        ],
    }
    if operation == "create_change_set":
        asked |= {"ChangeSetName": "larger"}
    action = "".join(part.title() for part in operation.split("_"))
    changes = allow(f"cloudformation:{action}")
    reason = refusal(getattr(acting_as("cloudformation", changes), operation), **asked)
    assert "ssm:GetParameters" in reason and f"parameter{key}" in reason
    reads = allow("ssm:GetParameters", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{key}")
    getattr(acting_as("cloudformation", changes, reads), operation)(**asked)


def test_what_is_missing_is_refused_to_who_may_not_list(checking: Cloud, acting_as: As) -> None:
    client_of(checking, "s3").create_bucket(Bucket="shelf")
    read, look = allow("s3:GetObject", "arn:aws:s3:::shelf/*"), allow("s3:ListBucket", "arn:aws:s3:::shelf")
    assert refusal(acting_as("s3", read).get_object, Bucket="shelf", Key="k").startswith("AccessDenied")
    assert refusal(acting_as("s3", read, look).get_object, Bucket="shelf", Key="k").startswith("NoSuchKey")


def test_every_decision_on_a_role_is_on_record_once(checking: Cloud, acting_as: As) -> None:
    sqs = acting_as("sqs", allow("sqs:ListQueues"))
    sqs.list_queues()
    sqs.list_queues()
    entries = [e for e in checking.ask("GET", "access")["access"] if e["action"] == "sqs:ListQueues"]
    assert [entry["allowed"] for entry in entries] == [True]


@pytest.mark.parametrize(("account", "taken"), [(ACCOUNT, True), ("111111111111", False)])
def test_a_role_is_taken_for_the_account_it_trusts(checking: Cloud, account: str, taken: bool) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    role = client_of(checking, "iam").create_role(
        RoleName=f"for-{account}", AssumeRolePolicyDocument=policy(trust)
    )
    take = partial(client_of(checking, "sts").assume_role, RoleArn=role["Role"]["Arn"], RoleSessionName="job")
    if taken:
        assert take()["Credentials"]
    else:
        with pytest.raises(ClientError, match="not authorized"):
            take()


def test_a_query_that_shows_or_filters_metadata_needs_a_second_right(checking: Cloud, acting_as: As) -> None:
    vectors = client_of(checking, "s3vectors")
    bucket = vectors.create_vector_bucket(vectorBucketName="rights")["vectorBucketArn"]
    shape = {"dataType": "float32", "dimension": 1, "distanceMetric": "cosine"}
    vectors.create_index(vectorBucketName="rights", indexName="mine", **shape)
    vectors.create_index(vectorBucketName="rights", indexName="theirs", **shape)
    one = [{"key": "k", "data": {"float32": [1.0]}, "metadata": {"year": 2024}}]
    mine, theirs = (f"{bucket}/index/{name}" for name in ("mine", "theirs"))
    vectors.put_vectors(indexArn=mine, vectors=one)
    asked = {"topK": 1, "queryVector": {"float32": [1.0]}}
    query, get = allow("s3vectors:QueryVectors", mine), allow("s3vectors:GetVectors", mine)
    searcher = acting_as("s3vectors", query)
    assert searcher.query_vectors(indexArn=mine, **asked)["vectors"] == [{"key": "k"}]
    for more in ({"filter": {"year": 2024}}, {"returnMetadata": True}):
        refused = refusal(searcher.query_vectors, indexArn=mine, **asked, **more)
        assert refused.startswith("AccessDenied") and "s3vectors:GetVectors" in refused
    reader = acting_as("s3vectors", query, get)
    assert reader.query_vectors(indexArn=mine, **asked, filter={"year": 2024})["vectors"] == [{"key": "k"}]
    assert refusal(reader.query_vectors, indexArn=theirs, **asked).startswith("AccessDenied")
    assert refusal(reader.put_vectors, indexArn=mine, vectors=one).startswith("AccessDenied")
