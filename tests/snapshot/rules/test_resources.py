"""Rule: resource `*` only for actions that AWS offers nothing narrower for, or that must see everything; what
such an action changes, and to whom a role is passed, is narrowed by a condition.
"""

from collections.abc import Iterator

import pytest

from tests.snapshot.rules.rule_samples import role_with
from tests.snapshot.snapshot_synth import Templates, as_list, joined, statements

# Source: AWS's service authorization reference, column "Resource types" of each action.
UNBOUNDED = {
    # No separate resource type.
    "cloudtrail:LookupEvents",
    "cloudformation:ListStacks",
    "cloudformation:DescribeStackResources",  # the stack that holds a resource is not known beforehand
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",  # narrowed by namespace
    "ecr:GetAuthorizationToken",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListApps",
    "sagemaker:ListEndpoints",
    "sagemaker:ListInferenceComponents",
    "sagemaker:ListModelPackages",
    "sagemaker:ListNotebookInstances",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTrainingJobs",
    "tag:GetResources",
    # Targets carry no name of a project, and a hidden one would make an endpoint look idle.
    "application-autoscaling:DeregisterScalableTarget",
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    # Tags say what is ours, so they must be readable on what may not be.
    "sagemaker:ListTags",
}
#: Condition keys by action. Sources: the same reference, column "Condition keys", and how Application Auto
#: Scaling works with IAM, in its user guide.
NARROWED = {
    "application-autoscaling:DeregisterScalableTarget": "application-autoscaling:service-namespace",
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    "iam:PassRole": "iam:PassedToService",
}


def violations(stacks: Templates) -> Iterator[str]:
    for place, action in on_everything(stacks):
        if action not in UNBOUNDED:
            yield f"{place}: {action} on *"
    for place, statement in statements(stacks):
        keys = {key for values in statement.get("Condition", {}).values() for key in values}
        for action in as_list(statement.get("Action", [])):
            if NARROWED.get(action, "") not in {"", *keys}:
                yield f"{place}: {action} without {NARROWED[action]}"


def on_everything(stacks: Templates) -> Iterator[tuple[str, str]]:
    """Each action that is allowed on `*`, with the place."""
    for place, statement in statements(stacks):
        if "*" in [joined(resource) for resource in as_list(statement["Resource"])]:
            for action in as_list(statement["Action"]):
                yield place, action


@pytest.mark.parametrize(
    ("action", "resource"),
    [("sagemaker:ListEndpoints", "*"), ("sagemaker:DeleteEndpoint", "arn:aws:sagemaker:::endpoint/a")],
)
def test_a_bounded_or_unboundable_action_complies(action: str, resource: str) -> None:
    assert list(violations(role_with(Action=action, Resource=resource))) == []


def test_a_boundable_action_on_everything_does_not() -> None:
    assert list(violations(role_with(Action=["sagemaker:DeleteEndpoint"], Resource=["*"])))


@pytest.mark.parametrize("action", NARROWED)
def test_what_a_condition_can_narrow_needs_it(action: str) -> None:
    key = NARROWED[action]
    arn = "arn:aws:iam::1:role/a"
    assert list(violations(role_with(Action=action, Resource=arn)))
    other = role_with(Action=action, Resource=arn, Condition={"StringEquals": {"aws:SourceAccount": "1"}})
    assert list(violations(other))
    narrowed = role_with(Action=action, Resource=arn, Condition={"StringLike": {key: "sagemaker*"}})
    assert list(violations(narrowed)) == []
