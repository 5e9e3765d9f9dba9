"""Which rights of deployed roles are used: each is taken away in turn, and what was asked judged again."""

import json
from typing import Any

from ministack.core import iam_evaluator

from tests.functional.guardrails.guarded_app import App, actions_of

Statement = dict[str, Any]

# Calls that AWS's own agents make under a role, where this cloud does the work itself and so makes none.
# Each reason says who calls it on AWS.
BY_THE_SERVICE = {
    "logs:": "Lambda, SageMaker and Step Functions write logs under the role",
    "ecr:": "SageMaker pulls the image under the role; nothing is pulled here",
    "sqs:SendMessage": "Lambda sends an event that failed three times to the dead-letter queue",
    "application-autoscaling:": "not emulated; the calls themselves are tested against botocore's model",
    "s3:AbortMultipartUpload": "SageMaker ends an upload that failed",
}
# (part of the role's name, action): what no scenario can bring about here, and where it is tested instead
SELDOM = {
    ("", "sagemaker:DescribeApp"): "there are no apps here; tests/unit/lambdas",
    ("", "sagemaker:DescribeProcessingJob"): "there are no processing jobs here; tests/unit/lambdas",
    ("IdleReaper", "cloudwatch:PutMetricData"): "a component must hang for an hour; tests/unit/lambdas",
    ("IdleReaper", "s3:GetObject"): "a run must be cut off among many endpoints; tests/unit/lambdas",
    ("IdleReaper", "s3:ListBucket"): "the same",
    ("IdleReaper", "sagemaker:DescribeTrainingJob"): "a job must run for hours; tests/unit/lambdas",
    ("Hosting-us-east-1", "sagemaker:UpdateEndpoint"): "merged hosting alone changes a live endpoint",
    ("AdmissionRole", "sagemaker:ListTags"): "the tagging index must lag behind; tests/unit/lambdas",
    ("ServingRole", "s3:ListBucket"): "SageMaker lists an artifact's prefix before it fetches it",
}
# SageMaker's agent publishes a container's metrics under the role. The same action is a Lambda's own
# elsewhere, so this one is told by its namespace.
AGENT_NAMESPACES = ("/aws/sagemaker/",)


def policies_of(app: App, prefix: str = "FinExpert-") -> dict[str, list[Statement]]:
    """The statements of the roles whose names begin so, by role."""
    iam = app.client("iam")
    found: dict[str, list[Statement]] = {}
    for page in iam.get_paginator("list_roles").paginate():
        for role in (r["RoleName"] for r in page["Roles"] if r["RoleName"].startswith(prefix)):
            names = iam.list_role_policies(RoleName=role)["PolicyNames"]
            documents = [iam.get_role_policy(RoleName=role, PolicyName=n)["PolicyDocument"] for n in names]
            found[role] = [statement for document in documents for statement in document["Statement"]]
            assert not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"], role
    return found


def lacking(policies: dict[str, list[Statement]], asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The requests of these roles that were refused."""
    return [entry for entry in asked if entry["role"] in policies and not entry["allowed"]]


def superfluous(policies: dict[str, list[Statement]], asked: list[dict[str, Any]]) -> list[str]:
    """The rights without which every request on record would have been allowed all the same, a line each."""
    return [
        f"{role}: {action} on {statement['Resource']}"
        for role, statements in sorted(policies.items())
        for statement in statements
        for action in actions_of(statement)
        if not by_the_service(role, action, statement)
        and not needed(role, statements, statement, action, asked)
    ]


def needed(
    role: str, statements: list[Statement], statement: Statement, action: str, asked: list[dict[str, Any]]
) -> bool:
    """Whether a request that the role made is refused without this action of this statement."""
    rest = [action_ for action_ in actions_of(statement) if action_ != action]
    reduced = [other for other in statements if other is not statement]
    reduced += [{**statement, "Action": rest}] if rest else []
    made = [
        (entry["action"], entry["resource"], entry["context"])
        for entry in asked
        if entry["role"] == role and entry["action"] == action and entry["allowed"]
    ]
    return any(allowed(statements, *request) and not allowed(reduced, *request) for request in made)


def allowed(statements: list[Statement], action: str, resource: str, context: dict[str, Any]) -> bool:
    """Whether these statements alone allow it."""
    asked = iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="AssumedRole",
        principal_account="",
        action=action,
        resource_arn=resource,
        region="",
        service_context=context,
    )
    document = {"Version": "2012-10-17", "Statement": statements}
    result = iam_evaluator.evaluate(asked, [iam_evaluator.parse_policy_document(document)])
    return bool(result.decision == "Allow")


def by_the_service(role: str, action: str, statement: Statement) -> bool:
    """Whether this call is made out of this cloud's sight, or so seldom that no scenario has it."""
    if any(part in role and action == seldom for part, seldom in SELDOM):
        return True
    conditions = json.dumps(statement.get("Condition", {}))
    agents = action == "cloudwatch:PutMetricData" and any(name in conditions for name in AGENT_NAMESPACES)
    return agents or any(action.startswith(prefix) for prefix in BY_THE_SERVICE)
