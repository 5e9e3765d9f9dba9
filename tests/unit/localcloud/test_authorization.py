"""What a request is about, and what its caller needs besides its action; what a stack's role needs."""

from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from localcloud import authorization, stack_roles
from localcloud.authorization import Need
from localcloud.hooks import stacks


def arn(kind: str, name: str) -> str:
    return f"arn:{kind}/{name.lower()}"


@pytest.mark.parametrize(
    ("operation", "params", "resource"),
    [
        ("CreateTrainingJob", {"TrainingJobName": "Run-1"}, "arn:training-job/run-1"),
        ("DescribeEndpointConfig", {"EndpointConfigName": "c"}, "arn:endpoint-config/c"),
        ("UpdateEndpointWeightsAndCapacities", {"EndpointName": "e"}, "arn:endpoint/e"),
        (
            "UpdateInferenceComponentRuntimeConfig",
            {"InferenceComponentName": "i"},
            "arn:inference-component/i",
        ),
        ("CreateModelPackage", {"ModelPackageGroupName": "g"}, "arn:model-package/g/1"),
        ("PutModelPackageGroupPolicy", {"ModelPackageGroupName": "g"}, "arn:model-package-group/g"),
        ("DeleteModelPackage", {"ModelPackageName": "arn:aws:sagemaker:x"}, "arn:aws:sagemaker:x"),
        ("AddTags", {"ResourceArn": "arn:aws:sagemaker:y"}, "arn:aws:sagemaker:y"),
        ("ListEndpoints", {}, "*"),
        ("DescribeApp", {"AppName": "a"}, "*"),
    ],
)
def test_a_request_is_about_its_resource(operation: str, params: dict[str, Any], resource: str) -> None:
    assert authorization.sagemaker_resource(operation, "/", params, arn) == resource


@pytest.mark.parametrize("verb", ["Get", "Put", "Delete"])
def test_a_functions_concurrency_is_read_set_and_removed_by_three_rights(verb: str) -> None:
    path = "/2017-10-31/functions/page/concurrency"
    assert authorization.action_of("lambda", verb.upper(), path) == f"lambda:{verb}FunctionConcurrency"
    assert authorization.action_of("lambda", verb.upper(), "/2015-03-31/functions/page") == ""


def test_an_invocation_is_about_its_endpoint_whatever_its_body_says() -> None:
    path = "/endpoints/finexpert/invocations-response-stream"
    other = {"ResourceArn": "other"}
    assert authorization.sagemaker_resource("", path, other, arn) == "arn:endpoint/finexpert"


def test_creating_with_tags_and_a_role_needs_all_three() -> None:
    params = {"TrainingJobName": "r", "RoleArn": "arn:role", "Tags": [{"Key": "k", "Value": "v"}]}
    assert authorization.further_needs("sagemaker", "CreateTrainingJob", params, arn) == [
        Need(action="sagemaker:AddTags", resource="arn:training-job/r"),
        Need(
            action="iam:PassRole",
            resource="arn:role",
            context={"iam:PassedToService": "sagemaker.amazonaws.com"},
        ),
    ]


def test_an_endpoint_needs_its_configuration_too() -> None:
    params = {"EndpointName": "e", "EndpointConfigName": "c"}
    assert authorization.further_needs("sagemaker", "CreateEndpoint", params, arn) == [
        Need(action="sagemaker:CreateEndpoint", resource="arn:endpoint-config/c")
    ]


def test_parameters_are_found_in_forms_and_in_json() -> None:
    assert authorization.parameters(b"StackName=s", {"StackName": ["s"]}) == {"StackName": "s"}
    assert authorization.parameters(b'{"RoleArn": "r"}', {}) == {"RoleArn": "r"}


def test_a_stack_role_needs_the_action_that_makes_a_thing_and_to_pass_its_role_on() -> None:
    made = stack_roles.needs("create", "AWS::Lambda::Function", "F", {"Role": "arn:role"})
    assert [need.action for need in made] == ["lambda:CreateFunction", "iam:PassRole"]
    gone = stack_roles.needs("delete", "AWS::Lambda::Function", "F", {"Role": "arn:role"})
    assert [need.action for need in gone] == ["lambda:DeleteFunction"]
    custom = stack_roles.needs("create", "Custom::CleanUpOnDelete", "C", {"ServiceToken": "arn:function"})
    assert custom == [Need(action="lambda:InvokeFunction", resource="arn:function")]
    assert stack_roles.needs("create", "AWS::CDK::Metadata", "M", {}) == []


def test_a_stack_role_needs_what_the_types_schema_lists() -> None:
    for kind, verbs in stack_roles.SAGEMAKER_ACTIONS.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", f"AWS::SageMaker::{kind}").schema
        listed = {
            verb: {action for action in handler["permissions"] if action.startswith("sagemaker:")}
            for verb, handler in schema["handlers"].items()
        }
        listed["create"] |= listed["read"]
        for verb, actions in verbs.items():
            assert {f"sagemaker:{action}" for action in actions.split()} == listed[verb], (kind, verb)


@pytest.mark.parametrize(("given", "holds"), [("", False), ("arn:policy", True)])
def test_a_condition_may_join_a_list_parameter(given: str, holds: bool) -> None:
    condition = {"Has": {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Policies"}]}]}]}}
    resolved = stacks.joined(condition, {"Policies": {"Value": given}})
    assert (resolved["Has"]["Fn::Not"][0]["Fn::Equals"] != ["", ""]) is holds
