"""Stacks of SageMaker resources: made, woken, put to sleep and removed."""

import json
from typing import Any

from botocore.exceptions import ClientError

from tests.functional.cloud_session import settled

ROLE = "arn:aws:iam::000000000000:role/hosting"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/nothing-that-runs-here:1"


class Stacks:
    """Stacks of one test; all are deleted at its end."""

    def __init__(self, cloudformation: Any) -> None:
        self.api = cloudformation
        self.names: list[str] = []

    def create(self, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.names.append(name)
        self.api.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, **more}))
        return self.wait(name)

    def change(self, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.api.update_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, **more}))
        return self.wait(name)

    def create_asleep(self, name: str, **more: dict[str, Any]) -> None:
        """A stack that always has a parameter, and a model, an endpoint and `more` while it is awake."""
        awake = {"Model": model(), **components_endpoint(), **more}
        resources = {key: each | {"Condition": "Awake"} for key, each in awake.items()}
        self.create(name, {**resources, "Always": ssm_parameter(f"/{name}/x")}, **AWAKE)

    def begin(self, name: str, artifact: str) -> None:
        """As waking and sleeping do it: the previous template, one parameter changed."""
        parameters: list[dict[str, Any]] = [
            {"ParameterKey": "ModelArtifact", "ParameterValue": artifact},
            {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
        ]
        self.api.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=parameters)

    def wake(self, name: str) -> dict[str, Any]:
        self.begin(name, "s3://b/m")
        return self.wait(name)

    def fall_asleep(self, name: str) -> dict[str, Any]:
        self.begin(name, "")
        return self.wait(name)

    def wait(self, name: str) -> dict[str, Any]:
        return settled(self.api, name)

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


def model(**more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SageMaker::Model",
        "Properties": {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}, **more},
    }


def components_endpoint() -> dict[str, Any]:
    """An endpoint that holds inference components: it is in service with none on it."""
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": "1",  # text, as templates may have it
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    config = {"ExecutionRoleArn": ROLE, "ProductionVariants": [variant]}
    endpoint = {
        "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
        "Tags": [{"Key": "team", "Value": "quants"}],
    }
    return {
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
        "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": endpoint},
    }


AWAKE = {
    "Parameters": {
        "ModelArtifact": {"Type": "String", "Default": ""},
        "BootstrapVersion": {"Type": "String", "Default": "1"},
    },
    "Conditions": {"Awake": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ModelArtifact"}, ""]}]}},
}


def ssm_parameter(name: str) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": "x"}}
