"""Further rights of a request: for the resources it is about, tags it sets, roles it passes on.

ministack checks the action of every request, but knows no ARN of SageMaker's and no iam:PassRole. Source of
the rules: AWS's Service Authorization Reference, "Actions, resources, and condition keys" of a service.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from localcloud.sagemaker import store

Arn = Callable[[str, str], str]
"""(a kind such as `training-job`, a name) → its ARN in the request's account and region."""

ANYTHING = "*"
KINDS = {kind.name: kind.arn_part for kind in store.KINDS}
"""SageMaker's kinds as operations spell them, and as ARNs do."""
_OPERATION = re.compile(r"(?:Create|Describe|Update|Delete|Stop|Put|Get)([A-Z]\w*)")
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
# operation: (kind, parameter) of a second resource that the caller must be allowed it on
_SECOND = {
    "CreateEndpoint": ("endpoint-config", "EndpointConfigName"),
    "UpdateEndpoint": ("endpoint-config", "EndpointConfigName"),
    "CreateInferenceComponent": ("endpoint", "EndpointName"),
    "CreateModelPackage": ("model-package-group", "ModelPackageGroupName"),
}
# (service, operation): where the request names a role, and the service that it is passed to
_PASSED: dict[tuple[str, str], tuple[str, str]] = {
    ("sagemaker", "CreateTrainingJob"): ("RoleArn", "sagemaker"),
    ("sagemaker", "CreateModel"): ("ExecutionRoleArn", "sagemaker"),
    ("sagemaker", "CreateEndpointConfig"): ("ExecutionRoleArn", "sagemaker"),
    ("lambda", "CreateFunction"): ("Role", "lambda"),
    ("lambda", "UpdateFunctionConfiguration"): ("Role", "lambda"),
    ("states", "CreateStateMachine"): ("roleArn", "states"),
    ("states", "UpdateStateMachine"): ("roleArn", "states"),
    ("events", "PutRule"): ("RoleArn", "events"),
    ("cloudformation", "CreateStack"): ("RoleARN", "cloudformation"),
    ("cloudformation", "UpdateStack"): ("RoleARN", "cloudformation"),
    ("cloudformation", "DeleteStack"): ("RoleARN", "cloudformation"),
    ("cloudformation", "CreateChangeSet"): ("RoleARN", "cloudformation"),
}


@dataclass(frozen=True, kw_only=True)
class Need:
    """One thing that the caller must be allowed.

    action: as in a policy, such as `iam:PassRole`.
    resource: an ARN, or `*`.
    context: condition keys of the request and their values.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def action_of(service: str, method: str, path: str) -> str:
    """The IAM action of a request that ministack names otherwise; "" for all others."""
    if service == "lambda" and path.endswith("/concurrency"):  # there it is Put for all three
        return f"lambda:{method.capitalize()}FunctionConcurrency"
    if service == "bedrock-runtime" and path.endswith("/converse"):  # Converse has no separate action
        return "bedrock:InvokeModel"
    return ""


def sagemaker_resource(operation: str, path: str, params: Mapping[str, Any], arn: Arn) -> str:
    """The resource that a SageMaker request is about; `*` for lists and what has none."""
    if found := _INVOCATION.match(path):
        return arn("endpoint", found[1])
    if isinstance(given := params.get("ResourceArn"), str):
        return given
    operation_on = _OPERATION.fullmatch(operation)
    if operation_on is None:
        return ANYTHING
    kinds = [kind for kind in KINDS if operation_on[1].startswith(kind)]
    if not kinds:
        return ANYTHING
    kind = max(kinds, key=len)
    name = params.get(f"{kind}Name")
    if operation == "CreateModelPackage":
        name = f"{params.get('ModelPackageGroupName')}/1"  # the service counts; any version is as good
    if not isinstance(name, str):
        return ANYTHING
    return name if name.startswith("arn:") else arn(KINDS[kind], name)


def vector_resource(path: str, params: Mapping[str, Any], place: str) -> str:
    """The bucket or index of S3 Vectors that a request is about; `*` for lists of buckets.

    Args:
        place: how the ARN of a bucket in the request's account and region begins.
    """
    if path.startswith("/tags/"):
        return unquote(path.removeprefix("/tags/"))
    if index := params.get("indexArn"):
        return str(index)
    bucket = params.get("vectorBucketArn") or f"{place}{params.get('vectorBucketName')}"
    if name := params.get("indexName"):
        return f"{bucket}/index/{name}"
    return ANYTHING if path == "/ListVectorBuckets" else str(bucket)


def vector_needs(operation: str, path: str, params: Mapping[str, Any], place: str) -> list[Need]:
    """The rights that a request to S3 Vectors needs besides its action: to see metadata, and to set tags.

    Sources: the API's QueryVectors (with a filter or metadata) and ListVectors (with data or metadata).
    """
    resource = vector_resource(path, params, place)
    reads = {
        "QueryVectors": params.get("returnMetadata") or params.get("filter") is not None,
        "ListVectors": params.get("returnMetadata") or params.get("returnData"),
    }
    needs = [Need(action="s3vectors:GetVectors", resource=resource)] if reads.get(operation) else []
    if operation.startswith("Create") and params.get("tags"):
        needs.append(Need(action="s3vectors:TagResource", resource=resource))
    return needs


def further_needs(service: str, operation: str, params: Mapping[str, Any], arn: Arn) -> list[Need]:
    """The rights that the request needs besides its action on its own resource."""
    needs: list[Need] = []
    if service == "sagemaker":
        if operation in _SECOND and isinstance(name := params.get(_SECOND[operation][1]), str):
            resource = name if name.startswith("arn:") else arn(_SECOND[operation][0], name)
            needs.append(Need(action=f"sagemaker:{operation}", resource=resource))
        if operation.startswith("Create") and params.get("Tags"):
            needs.append(
                Need(action="sagemaker:AddTags", resource=sagemaker_resource(operation, "", params, arn))
            )
    return needs + passed_roles(service, operation, params)


def passed_roles(service: str, operation: str, params: Mapping[str, Any]) -> list[Need]:
    """iam:PassRole for the role that a request hands to a service, if it names one."""
    member, to = _PASSED.get((service, operation), ("", ""))
    role = params.get(member)
    if not isinstance(role, str) or not role:
        return []
    context = {"iam:PassedToService": f"{to}.amazonaws.com"}
    return [Need(action="iam:PassRole", resource=role, context=context)]


# CloudFormation's condition keys, and the parameters that they look at
_OF_STACKS = {
    "cloudformation:RoleArn": "RoleARN",
    "cloudformation:TemplateUrl": "TemplateURL",
    "cloudformation:StackPolicyUrl": "StackPolicyURL",
    "cloudformation:ChangeSetName": "ChangeSetName",
}


def condition_keys(action: str, body: bytes, form: Mapping[str, Sequence[str]]) -> dict[str, str | list[str]]:
    """The condition keys of a request that policies may use and ministack does not know."""
    given = parameters(body, form)
    if action == "cloudwatch:PutMetricData":
        found = given.get("Namespace")
        return {"cloudwatch:namespace": str(found)} if found else {}
    if not action.startswith("cloudformation:"):
        return {}
    keys: dict[str, str | list[str]] = {
        key: str(given[name]) for key, name in _OF_STACKS.items() if given.get(name)
    }
    types = resource_types(given)
    return keys | ({"cloudformation:ResourceTypes": types} if types else {})


def resource_types(params: Mapping[str, Any]) -> list[str]:
    """The types that a request to CloudFormation limits itself to; none: no limit."""
    return [str(value) for name, value in params.items() if name.startswith("ResourceTypes.member.")]


def parameters(body: bytes, query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A request's parameters: its JSON, or the first value of each form or query parameter."""
    found: dict[str, Any] = {name: values[0] for name, values in query.items() if values}
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return found
    return found | (document if isinstance(document, dict) else {})
