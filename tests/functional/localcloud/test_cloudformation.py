"""CloudFormation's types of SageMaker, Budgets and Cost Explorer, of buckets and functions."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.lifecycle import Cloud

MakeClient = Callable[..., Any]
ROLE = "arn:aws:iam::000000000000:role/hosting"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/nothing-that-runs-here:1"
ENDINGS = ("COMPLETE", "FAILED")


class Stacks:
    """Stacks of one test; all are deleted at its end."""

    def __init__(self, cloudformation: Any) -> None:
        self.api = cloudformation
        self.names: list[str] = []

    def create(self, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.names.append(name)
        parameters = more.pop("parameters", {})
        self.api.create_stack(
            StackName=name,
            TemplateBody=json.dumps({"Resources": resources, **more}),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        return self.wait(name)

    def change(self, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.api.update_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, **more}))
        return self.wait(name)

    def set(self, name: str, key: str, value: str, *kept: str) -> dict[str, Any]:
        """As waking and sleeping do it: the previous template, one parameter changed."""
        parameters: list[dict[str, Any]] = [{"ParameterKey": key, "ParameterValue": value}]
        parameters += [{"ParameterKey": each, "UsePreviousValue": True} for each in kept]
        self.api.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=parameters)
        return self.wait(name)

    def wait(self, name: str, seconds: float = 120.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            stack: dict[str, Any] = self.api.describe_stacks(StackName=name)["Stacks"][0]
            if stack["StackStatus"].endswith(ENDINGS):
                return stack
            time.sleep(0.05)
        raise AssertionError(f"{name} is still {stack['StackStatus']}")

    def delete(self, name: str) -> dict[str, Any]:
        stack_id = self.api.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.api.delete_stack(StackName=name)
        return self.wait(stack_id)

    def reasons(self, name: str) -> str:
        events = self.api.describe_stack_events(StackName=name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def clean(self) -> None:
        for name in reversed(self.names):
            try:
                self.delete(name)
            except ClientError:
                continue


@pytest.fixture
def stacks(client: MakeClient) -> Iterator[Stacks]:
    made = Stacks(client("cloudformation"))
    yield made
    made.clean()


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def model(**more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SageMaker::Model",
        "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}, **more},
    }


def components_endpoint(**conditions: Any) -> dict[str, Any]:
    """An endpoint that holds inference components: it is in service with none on it."""
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": "1",  # text, as templates may have it
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    config = {"Type": "AWS::SageMaker::EndpointConfig", **conditions}
    config["Properties"] = {"ExecutionRoleArn": ROLE, "ProductionVariants": [variant]}
    endpoint = {"Type": "AWS::SageMaker::Endpoint", **conditions}
    endpoint["Properties"] = {
        "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
        "Tags": [{"Key": "team", "Value": "quants"}],
    }
    return {"Config": config, "Endpoint": endpoint}


AWAKE = {
    "Parameters": {
        "ModelArtifact": {"Type": "String", "Default": ""},
        "BootstrapVersion": {"Type": "String", "Default": "1"},
    },
    "Conditions": {"Awake": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ModelArtifact"}, ""]}]}},
}


def ssm_parameter(name: str) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": "x"}}


def test_ref_and_getatt_give_what_aws_gives(stacks: Stacks) -> None:
    given = {
        "ModelRef": {"Value": {"Ref": "Model"}},
        "ModelName": {"Value": {"Fn::GetAtt": ["Model", "ModelName"]}},
        "EndpointRef": {"Value": {"Ref": "Endpoint"}},
        "EndpointName": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
        "GroupRef": {"Value": {"Ref": "Group"}},
        "GroupStatus": {"Value": {"Fn::GetAtt": ["Group", "ModelPackageGroupStatus"]}},
    }
    group = {
        "Type": "AWS::SageMaker::ModelPackageGroup",
        "Properties": {"ModelPackageGroupName": "ref-models"},
    }
    resources = {"Model": model(), **components_endpoint(), "Group": group}
    found = outputs(stacks.create("ref", resources, Outputs=given))
    prefix = "arn:aws:sagemaker:us-east-1:000000000000"
    assert found["ModelRef"].lower() == f"{prefix}:model/{found['ModelName']}".lower()
    assert found["ModelName"].startswith("Model-")
    assert found["EndpointRef"].lower() == f"{prefix}:endpoint/{found['EndpointName']}".lower()
    assert found["GroupRef"] == f"{prefix}:model-package-group/ref-models"
    assert found["GroupStatus"] == "Completed"


def test_resources_carry_tags_of_stack_and_cloudformation(stacks: Stacks, client: MakeClient) -> None:
    """Source: the types' schemas, tagging.cloudFormationSystemTags; false for endpoints, true for models."""
    stacks.names.append("tagged")
    body = json.dumps({"Resources": {**components_endpoint(), "Model": model()}})
    tags = [{"Key": "finexpert:project", "Value": "P"}]
    client("cloudformation").create_stack(StackName="tagged", TemplateBody=body, Tags=tags)
    stack = stacks.wait("tagged")

    def found(logical_id: str) -> tuple[str, dict[str, str]]:
        arn = client("cloudformation").describe_stack_resource(
            StackName="tagged", LogicalResourceId=logical_id
        )["StackResourceDetail"]["PhysicalResourceId"]
        listed = client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
        return arn, {tag["Key"]: tag["Value"] for tag in listed}

    arn, own = found("Endpoint")
    assert own == {"team": "quants", "finexpert:project": "P"}
    assert found("Config")[1] == {"finexpert:project": "P"}
    assert found("Model")[1] == {
        "finexpert:project": "P",
        "aws:cloudformation:stack-name": "tagged",
        "aws:cloudformation:stack-id": stack["StackId"],
        "aws:cloudformation:logical-id": "Model",
    }
    listed = client("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["sagemaker:endpoint"], TagFilters=[{"Key": "finexpert:project", "Values": ["P"]}]
    )
    assert [entry["ResourceARN"] for entry in listed["ResourceTagMappingList"]] == [arn]


def test_a_resources_stack_is_found_by_its_physical_id(stacks: Stacks, client: MakeClient) -> None:
    stacks.create("owner", components_endpoint())
    describe = client("cloudformation").describe_stack_resources
    rows = describe(StackName="owner", LogicalResourceId="Endpoint")["StackResources"]
    arn = rows[0]["PhysicalResourceId"]
    assert {row["StackName"] for row in describe(PhysicalResourceId=arn)["StackResources"]} == {"owner"}
    with pytest.raises(ClientError, match="Stack for arn:nobody's does not exist"):
        describe(PhysicalResourceId="arn:nobody's")


def test_waking_and_sleeping_by_a_parameter(stacks: Stacks, client: MakeClient) -> None:
    resources = {"Model": model() | {"Condition": "Awake"}, **components_endpoint(Condition="Awake")}
    parameter = ssm_parameter("/sleep/x")
    stacks.create("sleep", {**resources, "Always": parameter}, **AWAKE)
    endpoints = client("sagemaker").list_endpoints
    assert endpoints(NameContains="Endpoint-")["Endpoints"] == []
    stack = stacks.set("sleep", "ModelArtifact", "s3://b/m", "BootstrapVersion")
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    awake = endpoints(NameContains="Endpoint-")["Endpoints"]
    assert [endpoint["EndpointStatus"] for endpoint in awake] == ["InService"]
    assert stacks.set("sleep", "ModelArtifact", "", "BootstrapVersion")["StackStatus"] == "UPDATE_COMPLETE"
    assert endpoints(NameContains="Endpoint-")["Endpoints"] == []
    assert client("sagemaker").list_models(NameContains="Model-")["Models"] == []
    assert client("sagemaker").list_endpoint_configs(NameContains="Config-")["EndpointConfigs"] == []
    events = client("cloudformation").describe_stack_events(StackName="sleep")["StackEvents"]
    told = [e["ResourceStatus"] for e in events if e["ResourceType"] == "AWS::SageMaker::Endpoint"]
    assert told[::-1] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_wake_that_fails_goes_back_to_sleep_and_says_why(stacks: Stacks, client: MakeClient) -> None:
    component = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Condition": "Awake",
        "Properties": {
            "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "VariantName": "AllTraffic",
            "RuntimeConfig": {"CopyCount": 1},
            "Specification": {
                "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                "ComputeResourceRequirements": {
                    "MinMemoryRequiredInMb": "1024",
                    "NumberOfCpuCoresRequired": 1,
                },
            },
        },
    }
    resources = {"Model": model() | {"Condition": "Awake"}, **components_endpoint(Condition="Awake")}
    stacks.create("bad-wake", {**resources, "Base": component}, **AWAKE)
    stack = stacks.set("bad-wake", "ModelArtifact", "s3://b/m", "BootstrapVersion")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert [p["ParameterValue"] for p in stack["Parameters"] if p["ParameterKey"] == "ModelArtifact"] == [""]
    assert "nothing-that-runs-here" in stacks.reasons("bad-wake")
    assert client("sagemaker").list_endpoints(NameContains="Endpoint-")["Endpoints"] == []
    assert client("sagemaker").list_inference_components()["InferenceComponents"] == []


def test_a_wake_can_be_cancelled_but_not_deleted_midway(stacks: Stacks, client: MakeClient) -> None:
    resources = {"Model": model() | {"Condition": "Awake"}, **components_endpoint(Condition="Awake")}
    parameter = ssm_parameter("/c/x")
    late = ssm_parameter("/c/late") | {"Condition": "Awake", "DependsOn": "Endpoint"}
    stacks.create("cancel", {**resources, "Always": parameter, "Late": late}, **AWAKE)
    client("cloudformation").update_stack(
        StackName="cancel",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "ModelArtifact", "ParameterValue": "s3://b/m"},
            {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
        ],
    )
    with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        client("cloudformation").delete_stack(StackName="cancel")
    client("cloudformation").cancel_update_stack(StackName="cancel")
    assert stacks.wait("cancel")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "User Initiated" in stacks.reasons("cancel")
    assert client("sagemaker").list_endpoints(NameContains="Endpoint-")["Endpoints"] == []


def test_a_model_is_replaced_and_a_custom_named_one_refused(stacks: Stacks, client: MakeClient) -> None:
    stacks.create("swap", {"Model": model()})
    names = client("sagemaker").list_models
    first = names(NameContains="Model-")["Models"][0]["ModelName"]
    stacks.change("swap", {"Model": model(EnableNetworkIsolation=True)})
    after = [entry["ModelName"] for entry in names(NameContains="Model-")["Models"]]
    assert len(after) == 1 and after != [first]
    stacks.create("named", {"Model": model(ModelName="mine")})
    stack = stacks.change("named", {"Model": model(ModelName="mine", EnableNetworkIsolation=True)})
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named resource requires replacing" in stacks.reasons("named")


def test_an_unknown_property_or_type_fails_the_stack(stacks: Stacks) -> None:
    stack = stacks.create("typo", {"Model": model(ModelNam="x")})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "ModelNam" in stacks.reasons("typo")
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::SageMaker::Domain\]"):
        stacks.create("unknown", {"D": {"Type": "AWS::SageMaker::Domain", "Properties": {}}})


def test_what_an_update_cannot_delete_is_let_go(stacks: Stacks, client: MakeClient, cloud: Cloud) -> None:
    """Sources: CloudFormation User Guide, "Troubleshooting"; cloudformation-coverage-roadmap issue 744."""
    resources = {**components_endpoint(Condition="Awake")}
    parameter = ssm_parameter("/let-go/x")
    stacks.create("let-go", {**resources, "Always": parameter}, **AWAKE)
    awake = stacks.set("let-go", "ModelArtifact", "s3://b/m", "BootstrapVersion")
    assert awake["StackStatus"] == "UPDATE_COMPLETE"
    [endpoint] = client("sagemaker").list_endpoints(NameContains="Endpoint-")["Endpoints"]
    fault = {"service": "sagemaker", "operation": "DeleteEndpoint", "error": "InternalFailure"}
    cloud.ask("POST", "faults", fault | {"times": 3})
    asleep = stacks.set("let-go", "ModelArtifact", "", "BootstrapVersion")
    assert asleep["StackStatus"] == "UPDATE_COMPLETE"
    assert cloud.ask("GET", "faults")["faults"] == []
    events = client("cloudformation").describe_stack_events(StackName="let-go")["StackEvents"]
    reason = "Update successful. One or more resources could not be deleted."
    assert events[0]["ResourceStatusReason"] == reason
    assert "DELETE_FAILED" in {event["ResourceStatus"] for event in events}
    left = client("cloudformation").describe_stack_resources(StackName="let-go")["StackResources"]
    assert [row["LogicalResourceId"] for row in left] == ["Always"]
    name = endpoint["EndpointName"]
    assert client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    client("sagemaker").delete_endpoint(EndpointName=name)


def test_an_update_tries_a_deletion_three_times(stacks: Stacks, client: MakeClient, cloud: Cloud) -> None:
    resources = {**components_endpoint(Condition="Awake")}
    parameter = ssm_parameter("/third/x")
    stacks.create("third", {**resources, "Always": parameter}, **AWAKE)
    stacks.set("third", "ModelArtifact", "s3://b/m", "BootstrapVersion")
    fault = {"service": "sagemaker", "operation": "DeleteEndpoint", "error": "InternalFailure"}
    cloud.ask("POST", "faults", fault | {"times": 2})
    assert stacks.set("third", "ModelArtifact", "", "BootstrapVersion")["StackStatus"] == "UPDATE_COMPLETE"
    assert client("sagemaker").list_endpoints(NameContains="Endpoint-")["Endpoints"] == []


def test_a_bucket_keeps_tags_and_rules_and_stays_while_it_is_full(stacks: Stacks, client: MakeClient) -> None:
    s3 = client("s3")
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": "kept-until-empty",
            "VersioningConfiguration": {"Status": "Enabled"},
            "Tags": [{"Key": "finexpert:project", "Value": "P"}],
            "LifecycleConfiguration": {
                "Rules": [{"Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": 3}]
            },
        },
    }
    stacks.create("bucket", {"Bucket": bucket})
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket="kept-until-empty")["TagSet"]}
    assert (tags["finexpert:project"], tags["aws:cloudformation:stack-name"]) == ("P", "bucket")
    rule = s3.get_bucket_lifecycle_configuration(Bucket="kept-until-empty")["Rules"][0]
    assert rule["Expiration"] == {"Days": 3}
    version = s3.put_object(Bucket="kept-until-empty", Key="a", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket="kept-until-empty", Key="a")["VersionId"]
    assert stacks.delete("bucket")["StackStatus"] == "DELETE_FAILED"
    assert "not empty" in stacks.reasons("bucket")
    for each in (version, marker):
        s3.delete_object(Bucket="kept-until-empty", Key="a", VersionId=each)
    assert stacks.delete("bucket")["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(("policy", "ends"), [("Retain", "CREATE_COMPLETE"), ("Delete", "FAILED")])
def test_a_kept_bucket_is_imported_where_it_would_be_kept_again(
    stacks: Stacks, client: MakeClient, policy: str, ends: str
) -> None:
    """CloudFormation API Reference, CreateChangeSet, ImportExistingResources: by custom name, with a policy
    that retains it."""
    s3, name = client("s3"), f"kept-{policy.lower()}"
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, "DeletionPolicy": "Retain"}
    stacks.create(f"first-{name}", {"Data": bucket})
    s3.put_object(Bucket=name, Key="text", Body=b"kept")
    stacks.delete(f"first-{name}")
    template = {"Resources": {"Data": bucket | {"DeletionPolicy": policy}}}
    stacks.names.append(f"again-{name}")
    made = stacks.api.create_change_set(
        StackName=f"again-{name}",
        ChangeSetName="import",
        ChangeSetType="CREATE",
        ImportExistingResources=True,
        TemplateBody=json.dumps(template),
    )
    set_: dict[str, Any] = {}
    deadline = time.monotonic() + 60
    while set_.get("Status") not in ("CREATE_COMPLETE", "FAILED") and time.monotonic() < deadline:
        set_ = stacks.api.describe_change_set(ChangeSetName=made["Id"])
    if ends == "FAILED":
        assert set_["Status"] == ends and "DeletionPolicy" in set_["StatusReason"]
    else:
        stacks.api.execute_change_set(ChangeSetName=made["Id"])
        assert stacks.wait(f"again-{name}")["StackStatus"] == ends
    assert s3.get_object(Bucket=name, Key="text")["Body"].read() == b"kept"
    s3.delete_object(Bucket=name, Key="text")
    s3.delete_bucket(Bucket=name)


def test_an_anomaly_monitor_and_its_subscription(stacks: Stacks, client: MakeClient) -> None:
    expression = {
        "Dimensions": {
            "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
            "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
            "Values": ["5"],
        }
    }
    resources = {
        "Monitor": {
            "Type": "AWS::CE::AnomalyMonitor",
            "Properties": {"MonitorName": "m", "MonitorType": "DIMENSIONAL", "MonitorDimension": "SERVICE"},
        },
        "Subscription": {
            "Type": "AWS::CE::AnomalySubscription",
            "Properties": {
                "SubscriptionName": "s",
                "Frequency": "DAILY",
                "MonitorArnList": [{"Ref": "Monitor"}],
                "Subscribers": [{"Type": "EMAIL", "Address": "a@example.com"}],
                "ThresholdExpression": json.dumps(expression),
            },
        },
    }
    stacks.create("anomaly", resources)
    ce = client("ce")
    subscription = ce.get_anomaly_subscriptions()["AnomalySubscriptions"][0]
    assert subscription["ThresholdExpression"] == expression
    assert subscription["MonitorArnList"] == [ce.get_anomaly_monitors()["AnomalyMonitors"][0]["MonitorArn"]]
    resources["Monitor"]["Properties"]["MonitorName"] = "renamed"  # type: ignore[index]
    assert stacks.change("anomaly", resources)["StackStatus"] == "UPDATE_COMPLETE"
    assert [m["MonitorName"] for m in ce.get_anomaly_monitors()["AnomalyMonitors"]] == ["renamed"]
    stacks.delete("anomaly")
    assert ce.get_anomaly_monitors()["AnomalyMonitors"] == []
    with pytest.raises(ClientError, match="UnknownOperationException"):
        ce.get_cost_forecast(
            TimePeriod={"Start": "2030-01-01", "End": "2030-02-01"},
            Granularity="MONTHLY",
            Metric="UNBLENDED_COST",
        )


def test_a_function_has_its_templates_dead_letter_queue(stacks: Stacks, client: MakeClient) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    function: dict[str, Any] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "fails",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handler(event, context):\n    raise ValueError('always')\n"},
            "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
        },
    }
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "failed-three-times"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Function": function,
    }
    stacks.create("letters", resources)
    sqs, functions = client("sqs"), client("lambda")
    queue = sqs.get_queue_url(QueueName="failed-three-times")["QueueUrl"]
    functions.invoke(FunctionName="fails", InvocationType="Event", Payload=b'{"number": 7}')
    letters = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert '"number": 7' in letters[0]["Body"]
    del function["Properties"]["DeadLetterConfig"]
    stacks.change("letters", resources)
    configuration = functions.get_function_configuration(FunctionName="fails")
    assert not configuration.get("DeadLetterConfig", {}).get("TargetArn")
