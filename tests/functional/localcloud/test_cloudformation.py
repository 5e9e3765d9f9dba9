"""CloudFormation's types of SageMaker: what a stack makes, wakes, puts to sleep and lets go."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.lifecycle import Cloud
from tests.functional.localcloud.stacks_lab import Stacks, components_endpoint, model, ssm_parameter

MakeClient = Callable[..., Any]


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


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
    stacks.create_asleep("sleep")
    endpoints = client("sagemaker").list_endpoints
    assert endpoints(NameContains="Endpoint-")["Endpoints"] == []
    assert stacks.wake("sleep")["StackStatus"] == "UPDATE_COMPLETE"
    awake = endpoints(NameContains="Endpoint-")["Endpoints"]
    assert [endpoint["EndpointStatus"] for endpoint in awake] == ["InService"]
    assert stacks.fall_asleep("sleep")["StackStatus"] == "UPDATE_COMPLETE"
    assert endpoints(NameContains="Endpoint-")["Endpoints"] == []
    assert client("sagemaker").list_models(NameContains="Model-")["Models"] == []
    assert client("sagemaker").list_endpoint_configs(NameContains="Config-")["EndpointConfigs"] == []
    events = client("cloudformation").describe_stack_events(StackName="sleep")["StackEvents"]
    changes = [e["ResourceStatus"] for e in events if e["ResourceType"] == "AWS::SageMaker::Endpoint"]
    assert changes[::-1] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_wake_that_fails_goes_back_to_sleep_and_says_why(stacks: Stacks, client: MakeClient) -> None:
    component = {
        "Type": "AWS::SageMaker::InferenceComponent",
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
    stacks.create_asleep("bad-wake", Base=component)
    stack = stacks.wake("bad-wake")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert [p["ParameterValue"] for p in stack["Parameters"] if p["ParameterKey"] == "ModelArtifact"] == [""]
    assert "nothing-that-runs-here" in stacks.reasons("bad-wake")
    assert client("sagemaker").list_endpoints(NameContains="Endpoint-")["Endpoints"] == []
    assert client("sagemaker").list_inference_components()["InferenceComponents"] == []


def test_a_wake_can_be_cancelled_but_not_deleted_midway(stacks: Stacks, client: MakeClient) -> None:
    stacks.create_asleep("cancel", Late=ssm_parameter("/c/late") | {"DependsOn": "Endpoint"})
    stacks.begin("cancel", "s3://b/m")
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
    stacks.create_asleep("let-go")
    assert stacks.wake("let-go")["StackStatus"] == "UPDATE_COMPLETE"
    [endpoint] = client("sagemaker").list_endpoints(NameContains="Endpoint-")["Endpoints"]
    fault = {"service": "sagemaker", "operation": "DeleteEndpoint", "error": "InternalFailure"}
    cloud.ask("POST", "faults", fault | {"times": 3})
    assert stacks.fall_asleep("let-go")["StackStatus"] == "UPDATE_COMPLETE"
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
    stacks.create_asleep("third")
    stacks.wake("third")
    fault = {"service": "sagemaker", "operation": "DeleteEndpoint", "error": "InternalFailure"}
    cloud.ask("POST", "faults", fault | {"times": 2})
    assert stacks.fall_asleep("third")["StackStatus"] == "UPDATE_COMPLETE"
    assert client("sagemaker").list_endpoints(NameContains="Endpoint-")["Endpoints"] == []
