"""CloudFormation's resource types of SageMaker.

Replacements, Ref, GetAtt and waits follow the resource types' public schemas (createOnlyProperties,
primaryIdentifier, readOnlyProperties; cfn-lint carries them) and the template reference: Ref gives the ARN.
"""

import importlib
import secrets
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.faults import faults
from localcloud.hooks import stacks
from localcloud.protocol import ApiError
from localcloud.sagemaker import validation

POLL_SECONDS = 0.1
STABILIZE_SECONDS = 3600.0
NAME_LIMIT = 63
ALPHABET = string.ascii_letters + string.digits
IN_PROGRESS = ("Creating", "Updating")
SERVICES = {"sagemaker": "SageMaker", "s3vectors": "S3Vectors"}
GONE = ("Could not find", "does not exist", "Requested resource not found")

Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SageMakerType:
    """A SageMaker resource in CloudFormation.

    kind: the API's noun: Create`kind`, `kind`Name, `kind`Arn.
    replacing: properties whose change needs a new resource.
    updates: properties that Update`kind` takes; none where the API has no update.
    only_on_update: of these, those that Create`kind` does not take.
    status: the field to wait on until it is `ready`; "" where creating is immediate.
    ready: that status.
    attributes: further fields of Describe`kind` that GetAtt gives (nested ones with dots).
    """

    kind: str
    replacing: Sequence[str]
    updates: Sequence[str] = ()
    only_on_update: Sequence[str] = ()
    status: str = ""
    ready: str = "InService"
    attributes: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The property that names the resource."""
        return f"{self.kind}Name"

    @property
    def arn(self) -> str:
        """The API's field with the resource's ARN."""
        return f"{self.kind}Arn"


RETAINING = ("ExcludeRetainedVariantProperties", "RetainAllVariantProperties", "RetainDeploymentConfig")
SAGEMAKER_TYPES = (
    SageMakerType(
        kind="Model",
        replacing=(
            *("Containers", "EnableNetworkIsolation", "ExecutionRoleArn", "InferenceExecutionConfig"),
            *("ModelName", "PrimaryContainer", "VpcConfig"),
        ),
    ),
    SageMakerType(
        kind="EndpointConfig",
        replacing=(
            *("AsyncInferenceConfig", "DataCaptureConfig", "EnableNetworkIsolation", "EndpointConfigName"),
            *("ExecutionRoleArn", "ExplainerConfig", "KmsKeyId", "MetricsConfig", "ProductionVariants"),
            *("ShadowProductionVariants", "VpcConfig"),
        ),
    ),
    SageMakerType(
        kind="Endpoint",
        replacing=("EndpointName",),
        updates=("EndpointConfigName", "DeploymentConfig", *RETAINING),
        only_on_update=RETAINING,
        status="EndpointStatus",
    ),
    SageMakerType(
        kind="InferenceComponent",
        # The schema has no create-only properties, but the API cannot move or rename a component.
        replacing=("InferenceComponentName", "EndpointName", "EndpointArn", "VariantName"),
        updates=("Specification", "Specifications", "RuntimeConfig", "DeploymentConfig"),
        only_on_update=("DeploymentConfig", "EndpointArn"),
        status="InferenceComponentStatus",
        attributes=(
            *("InferenceComponentStatus", "CreationTime", "LastModifiedTime", "FailureReason"),
            *("RuntimeConfig.CurrentCopyCount", "RuntimeConfig.DesiredCopyCount"),
        ),
    ),
    SageMakerType(
        kind="ModelPackageGroup",
        replacing=("ModelPackageGroupName", "ModelPackageGroupDescription"),
        status="ModelPackageGroupStatus",
        ready="Completed",
        attributes=("CreationTime", "ModelPackageGroupStatus"),
    ),
)

WITHOUT_SYSTEM_TAGS = frozenset(
    {
        *("AWS::CloudFront::Distribution", "AWS::DynamoDB::Table", "AWS::ECS::Service", "AWS::IAM::Role"),
        *("AWS::IAM::User", "AWS::IoT::CACertificate", "AWS::IoT::Policy", "AWS::IoT::ProvisioningTemplate"),
        *("AWS::KMS::Key", "AWS::Location::Tracker", "AWS::SQS::Queue", "AWS::SageMaker::Endpoint"),
        *("AWS::SageMaker::EndpointConfig", "AWS::SageMaker::InferenceComponent"),
    }
)
"""Types that CloudFormation does not tag with `aws:cloudformation:…`, by their public schemas.

The schemas say `tagging.cloudFormationSystemTags: false`; a test compares this list with cfn-lint's copy.
"""


def install() -> None:
    """Teach CloudFormation SageMaker's types."""
    for each in SAGEMAKER_TYPES:
        name = f"AWS::SageMaker::{each.kind}"
        stacks.install_resource_type(
            name, SageMakerResource(each), replacing=each.replacing, tags="Tags", own_name=each.name
        )


def generated_name(logical_id: str) -> str:
    """A name as CloudFormation makes it up: the logical id and twelve random letters and digits."""
    tail = "".join(secrets.choice(ALPHABET) for _ in range(12))
    return f"{logical_id[: NAME_LIMIT - 13]}-{tail}"


class SageMakerResource:
    """The handlers of one SageMaker type; they block until the service is done."""

    def __init__(self, type_: SageMakerType) -> None:
        self.type = type_
        self._names: dict[str, str] = {}  # by ARN: SageMaker writes some ARNs in lower case, names as given

    def create(self, logical_id: str, properties: Properties, stack: str) -> stacks.Resource:
        """Create the resource and wait until it serves; one that fails is removed, and its reason raised."""
        given = {key: value for key, value in properties.items() if key not in self.type.only_on_update}
        name = given.setdefault(self.type.name, generated_name(logical_id))
        arn = str(self._call("Create", given)[self.type.arn])
        self._names[arn] = str(name)
        try:
            return arn, self._stabilize(name)
        except Exception:
            self.delete(arn, properties)
            raise

    def update(
        self, arn: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> stacks.Resource:
        """Change what can be changed in place: the rest has led to a replacement before this is called."""
        name = self._name(arn)
        changed = [key for key in self.type.updates if old.get(key) != new.get(key)]
        if changed:
            kept = {key: new[key] for key in self.type.updates if key in new}
            self._call("Update", {self.type.name: name, **kept})
        self._retag(arn, tag_map(old), tag_map(new))
        attributes = self._stabilize(name)
        if "EndpointConfigName" in changed:
            self._require_configuration(name, str(new["EndpointConfigName"]))
        return arn, attributes

    def delete(self, arn: str, properties: Properties) -> None:
        """Delete the resource and wait until it is gone; one that is gone already counts as deleted."""
        name = self._name(arn)
        self._settle(name)
        try:
            self._call("Delete", {self.type.name: name})
            deadline = time.monotonic() + STABILIZE_SECONDS
            while time.monotonic() < deadline:
                status = self._call("Describe", {self.type.name: name}).get(self.type.status or "none")
                if status == "Failed" or not self.type.status:
                    raise ValueError(f"{self.type.kind} {name} was not deleted.")
                time.sleep(POLL_SECONDS)
        except NotThere:
            return
        raise ValueError(f"{self.type.kind} {name} is still being deleted after {STABILIZE_SECONDS:.0f} s.")

    def _settle(self, name: str) -> None:
        """Wait while the service works on the resource: it refuses a delete until it is done."""
        if not self.type.status:
            return
        try:
            while self._call("Describe", {self.type.name: name})[self.type.status] in IN_PROGRESS:
                time.sleep(POLL_SECONDS)
        except NotThere:
            return

    def _stabilize(self, name: str) -> dict[str, Any]:
        """Wait until the resource is ready; return what GetAtt gives."""
        deadline = time.monotonic() + STABILIZE_SECONDS
        while True:
            found = self._call("Describe", {self.type.name: name})
            status = found.get(self.type.status) if self.type.status else self.type.ready
            if status == self.type.ready:
                return self._attributes(found)
            if status == "Failed":
                reason = found.get("FailureReason", "no reason given")
                raise ValueError(
                    f'Resource handler returned message: "{self.type.kind} {name} failed: {reason}"'
                )
            if time.monotonic() > deadline:
                raise ValueError(f"{self.type.kind} {name} did not stabilize: it is {status}.")
            time.sleep(POLL_SECONDS)

    def _require_configuration(self, name: str, wanted: str) -> None:
        """An update that fails leaves an endpoint in service with its former configuration, and a reason."""
        found = self._call("Describe", {self.type.name: name})
        if found["EndpointConfigName"] != wanted:
            reason = found.get("FailureReason", "it went back to its former configuration")
            raise ValueError(
                f'Resource handler returned message: "Updating endpoint {name} failed: {reason}"'
            )

    def _attributes(self, found: Mapping[str, Any]) -> dict[str, Any]:
        attributes = {self.type.name: found[self.type.name], self.type.arn: found[self.type.arn]}
        for path in self.type.attributes:
            value: Any = found
            for part in path.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None:
                attributes[path] = str(value)
        return attributes

    def _retag(self, arn: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        if removed := [key for key in old if key not in new]:
            call("sagemaker", "DeleteTags", {"ResourceArn": arn, "TagKeys": removed})
        if added := [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]:
            call("sagemaker", "AddTags", {"ResourceArn": arn, "Tags": added})

    def _name(self, arn: str) -> str:
        return self._names.get(arn) or arn.rsplit("/", 1)[-1]

    def _call(self, verb: str, params: Properties) -> dict[str, Any]:
        return call("sagemaker", f"{verb}{self.type.kind}", params)


class NotThere(ValueError):
    """The resource that an operation is about does not exist."""


def call(service: str, operation: str, params: Properties) -> dict[str, Any]:
    """One operation of a service written here, its parameters given the types that the API wants.

    Raises:
        NotThere: no such resource.
        ValueError: any other refusal, worded as CloudFormation reports it.
    """
    api = importlib.import_module(f"localcloud.{service}.api")  # at the first use: its model takes 20 MB
    shape = validation.service_model(service).operation_model(operation).input_shape
    try:
        if not operation.startswith(("Describe", "Get")) and (fault := faults.take(service, operation)):
            raise ApiError(fault.error, fault.text, fault.http_status)
        answer: dict[str, Any] = api.call(operation, validation.coerce(params, shape))
        return answer
    except ApiError as error:
        if error.code == "NotFoundException" or any(words in error.message for words in GONE):
            raise NotThere(error.message) from None
        detail = f"Service: {SERVICES[service]}, Status Code: {error.status}, Error Code: {error.code}"
        raise ValueError(f'Resource handler returned message: "{error.message} ({detail})"') from None


def tag_map(properties: Mapping[str, Any]) -> dict[str, str]:
    """A template's list of tags as a mapping."""
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}
