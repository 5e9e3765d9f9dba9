"""CloudFormation acts under a stack's own role, once one was given, and may do no more than that role.

Each resource that a stack makes, changes or deletes is checked for the action that does it, and for
iam:PassRole where it hands a role on. On AWS a resource type may call more than one action (its schema's
`handlers` list them); the one that makes or removes the thing is what is checked here, on every resource
(`*`) but SageMaker's, whose ARNs are known beforehand.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud import access_log, authorization, hooks
from localcloud.authorization import Need
from localcloud.sagemaker import store

# type: the service, its actions to create, update and delete; the property with the role that it passes on
_ACTIONS = {
    "AWS::Budgets::Budget": "budgets ModifyBudget ModifyBudget ModifyBudget",
    "AWS::CE::AnomalyMonitor": "ce CreateAnomalyMonitor UpdateAnomalyMonitor DeleteAnomalyMonitor",
    "AWS::CE::AnomalySubscription": (
        "ce CreateAnomalySubscription UpdateAnomalySubscription DeleteAnomalySubscription"
    ),
    "AWS::CloudWatch::Alarm": "cloudwatch PutMetricAlarm PutMetricAlarm DeleteAlarms",
    "AWS::CloudWatch::Dashboard": "cloudwatch PutDashboard PutDashboard DeleteDashboards",
    "AWS::Events::Rule": "events PutRule PutRule DeleteRule RoleArn",
    "AWS::IAM::Role": "iam CreateRole UpdateRole DeleteRole",
    "AWS::KMS::Key": "kms CreateKey PutKeyPolicy ScheduleKeyDeletion",
    "AWS::Lambda::Function": "lambda CreateFunction UpdateFunctionConfiguration DeleteFunction Role",
    "AWS::Lambda::Permission": "lambda AddPermission AddPermission RemovePermission",
    "AWS::Logs::LogGroup": "logs CreateLogGroup PutRetentionPolicy DeleteLogGroup",
    "AWS::S3::Bucket": "s3 CreateBucket CreateBucket DeleteBucket",
    "AWS::S3::BucketPolicy": "s3 PutBucketPolicy PutBucketPolicy DeleteBucketPolicy",
    "AWS::SNS::Subscription": "sns Subscribe SetSubscriptionAttributes Unsubscribe",
    "AWS::SNS::Topic": "sns CreateTopic SetTopicAttributes DeleteTopic",
    "AWS::SNS::TopicPolicy": "sns SetTopicAttributes SetTopicAttributes SetTopicAttributes",
    "AWS::SQS::Queue": "sqs CreateQueue SetQueueAttributes DeleteQueue",
    "AWS::SQS::QueuePolicy": "sqs SetQueueAttributes SetQueueAttributes SetQueueAttributes",
    "AWS::SSM::Parameter": "ssm PutParameter PutParameter DeleteParameter",
    "AWS::StepFunctions::StateMachine": (
        "states CreateStateMachine UpdateStateMachine DeleteStateMachine RoleArn"
    ),
}
_SAGEMAKER = "AWS::SageMaker::"
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_VERBS = ("create", "update", "delete")
SAGEMAKER_ACTIONS = {
    "Endpoint": {
        "create": "CreateEndpoint DescribeEndpoint AddTags ListTags",
        "update": "UpdateEndpoint DescribeEndpoint AddTags DeleteTags",
        "delete": "DeleteEndpoint DescribeEndpoint",
    },
    "EndpointConfig": {
        "create": "CreateEndpointConfig AddTags DescribeEndpointConfig ListTags",
        "update": "AddTags DeleteTags",
        "delete": "DeleteEndpointConfig",
    },
    "Model": {
        "create": "CreateModel AddTags DescribeModel ListTags",
        "update": "AddTags DeleteTags",
        "delete": "DeleteModel",
    },
    "InferenceComponent": {
        "create": "CreateInferenceComponent DescribeInferenceComponent AddTags ListTags",
        "update": "UpdateInferenceComponent UpdateInferenceComponentRuntimeConfig DescribeInferenceComponent"
        " AddTags ListTags DeleteTags",
        "delete": "DeleteInferenceComponent DescribeInferenceComponent DeleteTags",
    },
}
"""CloudFormation's calls for SageMaker's types: `handlers` of their schemas, and `read` after `create`."""
_UPDATED_BY_REPLACEMENT = ("Model", "EndpointConfig", "ModelPackageGroup")  # their API has no update
_WITHOUT_ACTION = ("AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle")
_roles: dict[tuple[str, str, str], str] = {}
_types: dict[tuple[str, str, str], list[str]] = {}
CHANGING = ("CreateStack", "UpdateStack", "CreateChangeSet")
"""Operations that read the template's SSM parameters."""


def parameter_reads(names: Sequence[str]) -> list[Need]:
    """The rights that the caller of such an operation needs: CloudFormation reads with the caller's.

    Sources: CloudFormation User Guide, "Specify existing resources at runtime with CloudFormation-supplied
    parameter types"; the CDK's bootstrap template, where the deploying role has `ssm:GetParameters` for this.
    """
    place = f"arn:aws:ssm:{hooks.requests.region()}:{hooks.requests.account_id()}:parameter/"
    return [
        Need(
            action="ssm:GetParameters",
            resource=name if name.startswith("arn:") else place + name.removeprefix("/"),
        )
        for name in names
    ]


def remember(operation: str, params: Mapping[str, Any]) -> None:
    """Keep the role that a request gives a stack, and the resource types that the request may change."""
    stack, role = params.get("StackName"), params.get("RoleARN")
    if operation in (*CHANGING, "DeleteStack") and stack:
        key = hooks.requests.account_id(), hooks.requests.region(), _name(str(stack))
        _types[key] = authorization.resource_types(params)
        if role:
            _roles[key] = str(role)


def denial(verb: str, resource_type: str, name: str, properties: Mapping[str, Any], stack: str) -> str:
    """The reason why the stack's role may not do this to a resource; "" if it may, or there is no role.

    Args:
        verb: create, update or delete.
        name: the resource's physical id, or its logical id before it has one.
    """
    key = hooks.requests.account_id(), hooks.requests.region(), stack
    types, role = _types.get(key), _roles.get(key)
    if types and not any(fnmatch.fnmatchcase(resource_type, each) for each in types):
        return f"Resource type {resource_type} is not among the ResourceTypes of the request"
    if role is None or not hooks.access.enforcing():
        return ""
    for need in needs(verb, resource_type, name, properties):
        reason, context = hooks.access.role_denial(role, need.action, need.resource, need.context)
        access_log.add(role.rsplit("/", 1)[-1], need.action, need.resource, context, not reason)
        if reason:
            return reason
    return ""


def needs(verb: str, resource_type: str, name: str, properties: Mapping[str, Any]) -> list[Need]:
    """The actions that a stack's role must be allowed for this change of a resource.

    A type without a rule asks for the action that its name and the verb make, such as `iam:CreateUser`.
    """
    if resource_type.startswith(_CUSTOM):
        return [Need(action="lambda:InvokeFunction", resource=str(properties.get("ServiceToken", "*")))]
    if resource_type.startswith(_SAGEMAKER):
        kind = resource_type.removeprefix(_SAGEMAKER)
        if verb == "update" and kind in _UPDATED_BY_REPLACEMENT:
            return []
        operation = f"{verb.capitalize()}{kind}"
        params = {f"{kind}Name": name.rsplit("/", 1)[-1], **properties}
        resource = authorization.sagemaker_resource(operation, "", params, store.arn)
        called = SAGEMAKER_ACTIONS.get(kind, {}).get(verb, operation).split()
        own = [Need(action=f"sagemaker:{action}", resource=resource) for action in called]
        return [*own, *authorization.further_needs("sagemaker", operation, params, store.arn)]
    if resource_type in _WITHOUT_ACTION:
        return []
    if resource_type not in _ACTIONS:
        _, service, kind = resource_type.split("::", 2)
        return [Need(action=f"{service.lower()}:{verb.capitalize()}{kind}", resource=authorization.ANYTHING)]
    service, *rest = _ACTIONS[resource_type].split()
    actions, passing = dict(zip(_VERBS, rest, strict=False)), rest[len(_VERBS) :]
    role = properties.get(passing[0]) if passing and verb != "delete" else None
    passed_to = {"iam:PassedToService": f"{service}.amazonaws.com"}
    passes = [Need(action="iam:PassRole", resource=str(role), context=passed_to)] if role else []
    return [Need(action=f"{service}:{actions[verb]}", resource=authorization.ANYTHING), *passes]


def _name(stack: str) -> str:
    return stack.split("/")[1] if stack.startswith("arn:") else stack
