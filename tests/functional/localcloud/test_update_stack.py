"""Who may wake the Hosting stack may do nothing else with it: on a cloud that checks policies."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from core.endpoint import hosting
from core.names import Names
from infra.arns import Arns
from infra.guardrails.idle_reaper import idle_reaper
from infra.guardrails.spend_guard import spend_guard
from infra.notebook.permissions import notebook_permissions
from infra.training.roles import switching_permissions
from infra.training.state_machine import state_machine_permissions
from infra.web.permissions import page
from localcloud import environment
from localcloud.lifecycle import Cloud
from tests.functional.cloud_session import ROLES, client_of, make_role, running, settled
from tests.unit.infra.state_language import ON_DEMAND

NAMES = Names(project="FinExpert", region=environment.REGION)
ARNS = Arns(names=NAMES, partition="aws", region=environment.REGION, account=environment.ACCOUNT)
TOPIC, STACK, OTHER = ARNS.of("sns", NAMES.topic), NAMES.stack("Hosting"), NAMES.stack("Storage")
CALLERS = {
    "page": page(ARNS),
    "reaper": idle_reaper(ARNS, TOPIC, "audit", whole_account=True),
    "guard": spend_guard(ARNS, TOPIC),
    "machine": state_machine_permissions(ARNS, ON_DEMAND),
    "notebook": notebook_permissions(ARNS, instance_name="n"),
}
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVIL_ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": "evil",
        "AssumeRolePolicyDocument": {
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]
        },
        "Policies": [{"PolicyName": "all", "PolicyDocument": {"Statement": [ANYTHING]}}],
    },
}
EVIL = {
    "role": EVIL_ROLE,
    "user": {"Type": "AWS::IAM::User", "Properties": {"UserName": "evil"}},
    "bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "evil-bucket"}},
    "function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Role": f"{ROLES}/deploying",
            "Code": {"ZipFile": "x"},
            "Handler": "i.h",
            "Runtime": "python3.11",
        },
    },
    "endpoint": {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {"EndpointName": "evil", "EndpointConfigName": "x"},
    },
    "model": {"Type": "AWS::SageMaker::Model", "Properties": {"ExecutionRoleArn": f"{ROLES}/deploying"}},
}
MODEL = {
    "Type": "AWS::SageMaker::Model",
    "Condition": "Awake",
    "Properties": {
        "ExecutionRoleArn": f"{ROLES}/serving",
        "Tags": [{"Key": "finexpert:project", "Value": "FinExpert"}],
        "PrimaryContainer": {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serving:1"},
    },
}
TEMPLATE: dict[str, Any] = {
    "Parameters": {"ModelArtifact": {"Type": "String", "Default": ""}},
    "Conditions": {"Awake": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ModelArtifact"}, ""]}]}},
    "Resources": {"Model": MODEL, "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
}


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud that checks policies, with a Hosting stack as an administrator deploys it, and another one."""
    with running(tmp_path_factory.mktemp("update"), auth=True, provision_seconds=0) as cloud:
        iam, cloudformation = client_of(cloud, "iam"), client_of(cloud, "cloudformation")
        make_role(iam, "deploying", ANYTHING, services=("cloudformation.amazonaws.com",))
        make_role(iam, "serving", services=("sagemaker.amazonaws.com",))
        name = hosting.switching_role(STACK, environment.REGION)
        narrow = switching_permissions(ARNS, serving_role_arn=f"{ROLES}/serving", key_arn=None)
        make_role(iam, name, *narrow, services=("cloudformation.amazonaws.com",))
        for caller, statements in CALLERS.items():
            make_role(iam, caller, *statements)
        s3 = client_of(cloud, "s3")
        s3.create_bucket(Bucket="secret-data")
        s3.put_object(Bucket="secret-data", Key="datasets/private.txt", Body=b"private")
        for stack in (STACK, OTHER):
            template = (
                TEMPLATE if stack == STACK else {"Resources": {"Handle": TEMPLATE["Resources"]["Handle"]}}
            )
            cloudformation.create_stack(
                StackName=stack, TemplateBody=json.dumps(template), RoleARN=f"{ROLES}/deploying"
            )
            settled(cloudformation, stack)
        yield cloud


def status(cloud: Cloud) -> str:
    """The Hosting stack's, when nothing is under way."""
    return str(settled(client_of(cloud, "cloudformation"), STACK)["StackStatus"])


def refused(call: Any, **arguments: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert "AccessDenied" in caught.value.response["Error"]["Code"], caught.value


def request(**changes: Any) -> dict[str, Any]:
    """What the product sends, but for the template."""
    narrow = f"{ROLES}/{hosting.switching_role(STACK, environment.REGION)}"
    asked = {
        "StackName": STACK,
        "RoleARN": narrow,
        "ResourceTypes": list(hosting.RESOURCE_TYPES),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        **changes,
    }
    return {key: value for key, value in asked.items() if value is not None}


def with_resource(resource: dict[str, Any]) -> str:
    return json.dumps({**TEMPLATE, "Resources": {**TEMPLATE["Resources"], "Evil": resource}})


@pytest.mark.parametrize("caller", CALLERS)
def test_each_caller_wakes_and_puts_to_sleep(checking: Cloud, caller: str) -> None:
    cloudformation = client_of(checking, "cloudformation", caller)
    hosting.wake(cloudformation, STACK, "s3://runs/a/output/model.tar.gz")
    assert status(checking) == "UPDATE_COMPLETE"
    assert hosting.read(client_of(checking, "cloudformation"), STACK).state == hosting.HostingState.AWAKE
    hosting.sleep(cloudformation, STACK)
    assert status(checking) == "UPDATE_COMPLETE"
    assert client_of(checking, "sagemaker").list_models()["Models"] == []


@pytest.mark.parametrize("caller", CALLERS)
def test_no_caller_updates_without_the_narrow_role_and_types(checking: Cloud, caller: str) -> None:
    update = client_of(checking, "cloudformation", caller).update_stack
    template = with_resource(EVIL_ROLE)
    for changes in (
        {"RoleARN": None},
        {"RoleARN": f"{ROLES}/deploying"},
        {"ResourceTypes": None},
        {"ResourceTypes": ["AWS::IAM::Role"]},
        {"ResourceTypes": [*hosting.RESOURCE_TYPES, "AWS::IAM::Role"]},
        {"ResourceTypes": ["AWS::*"]},
        {"StackName": OTHER},
    ):
        refused(update, **request(TemplateBody=template, **changes))
    refused(update, **request(TemplateURL="https://s3.amazonaws.com/evil/t.json"))
    for other in ("create_stack", "create_change_set"):
        more = {"ChangeSetName": "evil"} if other == "create_change_set" else {"StackName": "evil"}
        call = getattr(client_of(checking, "cloudformation", caller), other)
        refused(call, **request(TemplateBody=template, **more))


@pytest.mark.parametrize("evil", EVIL)
def test_no_template_makes_more_than_the_endpoint(checking: Cloud, evil: str) -> None:
    kind = EVIL[evil]["Type"]
    cloudformation = client_of(checking, "cloudformation", "page")
    cloudformation.update_stack(**request(TemplateBody=with_resource(EVIL[evil])))
    assert status(checking) == "UPDATE_ROLLBACK_COMPLETE"
    # the narrow role itself refuses as well, should the types one day not be enforced
    client_of(checking, "cloudformation").update_stack(
        **request(TemplateBody=with_resource(EVIL[evil]), ResourceTypes=[kind, *hosting.RESOURCE_TYPES])
    )
    assert status(checking) == "UPDATE_ROLLBACK_COMPLETE"
    events = client_of(checking, "cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [e["ResourceStatusReason"] for e in events if e["ResourceStatus"].endswith("_FAILED")]
    assert "not authorized to perform" in failed[0], failed
    roles = {role["RoleName"] for role in client_of(checking, "iam").list_roles()["Roles"]}
    assert "evil" not in roles


@pytest.mark.parametrize("caller", CALLERS)
def test_no_caller_makes_a_role_or_reads_a_dataset(checking: Cloud, caller: str) -> None:
    refused(client_of(checking, "iam", caller).create_role, RoleName="e", AssumeRolePolicyDocument="{}")
    refused(client_of(checking, "s3", caller).get_object, Bucket="secret-data", Key="datasets/private.txt")
