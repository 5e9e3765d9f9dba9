"""What each Lambda function may do, statement by statement; lambdas/README.md has the same as a table.

Resource `*` stands only where the action has nothing narrower: SageMaker's and CloudFormation's List actions,
the tagging API, CloudWatch's metric reads and writes, and Application Auto Scaling, whose targets have no
project's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.names import METRIC_NAMESPACE, PROJECT_TAG
from infra.arns import Arns

ANYTHING = ["*"]


Statement = dict[str, Any]
"""One statement of a policy document."""


def allow(
    actions: Sequence[str], resources: Sequence[str], conditions: dict[str, dict[str, str]] | None = None
) -> Statement:
    """A statement that allows `actions` on `resources` under `conditions`."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**statement, "Condition": conditions} if conditions else statement


def write_own_log(arns: Arns, log_group_name: str) -> Statement:
    """Write to one log group."""
    return allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"], [arns.of("logs", f"log-group:{log_group_name}:*")]
    )


def validate_dataset(arns: Arns, data_bucket: str) -> list[Statement]:
    """Read the datasets."""
    return [
        allow(["s3:ListBucket"], [arns.s3(data_bucket)]),
        allow(["s3:GetObject"], [arns.s3(f"{data_bucket}/*")]),
    ]


def read_evaluation(arns: Arns, artifact_bucket: str) -> list[Statement]:
    """Read a run's output, write its evaluation and report beside it."""
    return [
        allow(["s3:ListBucket"], [arns.s3(artifact_bucket)]),
        allow(["s3:GetObject", "s3:PutObject"], [arns.s3(f"{artifact_bucket}/runs/*")]),
    ]


def stop_training(arns: Arns) -> list[Statement]:
    """Stop this project's training jobs."""
    return [allow(["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"], [arns.training_jobs])]


def month_to_date(arns: Arns) -> list[Statement]:
    """See what ran this month, what runs now, and what AWS estimates: what was spent."""
    return [
        allow(
            [
                "sagemaker:ListTrainingJobs",
                "sagemaker:ListEndpoints",
                "sagemaker:ListNotebookInstances",
                "sagemaker:ListProcessingJobs",
                "sagemaker:ListApps",
                "sagemaker:ListTags",
                "tag:GetResources",
                "cloudformation:ListStacks",
                "cloudtrail:LookupEvents",
                "cloudwatch:GetMetricData",
            ],
            ANYTHING,
        ),
        allow(["sagemaker:DescribeTrainingJob"], [arns.training_jobs]),
        allow(
            [
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeProcessingJob",
            ],
            [
                arns.sagemaker("endpoint/*"),
                arns.sagemaker("endpoint-config/*"),
                arns.sagemaker("processing-job/*"),
            ],
        ),
        allow(
            [
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
                "cloudformation:GetTemplate",
            ],
            [arns.hosting_stack],
        ),
    ]


def admission(arns: Arns, artifact_bucket: str) -> list[Statement]:
    """See what was spent, and reserve what a job may cost."""
    return [
        *month_to_date(arns),
        # Without ListBucket S3 answers "denied" for an object that is not there.
        allow(["s3:ListBucket"], [arns.s3(artifact_bucket)]),
        allow(["s3:GetObject", "s3:PutObject"], [arns.s3(f"{artifact_bucket}/admission/*")]),
    ]


def spend_guard(arns: Arns, topic_arn: str) -> list[Statement]:
    """See what was spent, publish it, and stop what bills when the limit is near."""
    owned = {"StringEquals": {f"aws:ResourceTag/{PROJECT_TAG}": arns.names.project}}
    return [
        *month_to_date(arns),
        allow(["sagemaker:ListInferenceComponents"], ANYTHING),
        allow(
            ["cloudwatch:PutMetricData"],
            ANYTHING,
            {"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}},
        ),
        allow(["cloudformation:UpdateStack", "cloudformation:CancelUpdateStack"], [arns.hosting_stack]),
        allow(["sagemaker:StopTrainingJob"], [arns.training_jobs]),
        # Endpoints beside Hosting's own, and Hosting's where CloudFormation cannot put it to sleep.
        allow(
            [
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DeregisterScalableTarget",
            ],
            ANYTHING,
        ),
        allow(["sagemaker:DeleteEndpoint"], [arns.sagemaker("endpoint/*")], owned),
        # Components on the project's endpoint need not carry the tag, and block the endpoint's deletion.
        allow(["sagemaker:DeleteInferenceComponent"], [arns.sagemaker("inference-component/*")]),
        allow(["sns:Publish"], [topic_arn]),
    ]


def idle_reaper(
    arns: Arns, topic_arn: str, audit_bucket: str, *, whole_account: bool, regions: Sequence[str] = ()
) -> list[Statement]:
    """See every endpoint and its use, warn, and delete: the project's, or the whole account's.

    Of notebook instances, jobs and apps it may only look. `regions`: where, if not in the own region alone.
    """
    owned = {"StringEquals": {f"aws:ResourceTag/{PROJECT_TAG}": arns.names.project}}
    places = [replace(arns, region=region) for region in regions] or [arns]

    def everywhere(*kinds: str) -> list[str]:
        return [place.sagemaker(f"{kind}/*") for place in places for kind in kinds]

    endpoints = everywhere("endpoint", "inference-component")
    return [
        allow(
            [
                "sagemaker:ListEndpoints",
                "sagemaker:ListInferenceComponents",
                "sagemaker:ListNotebookInstances",
                "sagemaker:ListTrainingJobs",
                "sagemaker:ListProcessingJobs",
                "sagemaker:ListApps",
                "sagemaker:ListTags",
                "tag:GetResources",
                "cloudwatch:ListMetrics",
                "cloudwatch:GetMetricData",
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DeregisterScalableTarget",
            ],
            ANYTHING,
        ),
        allow(
            [
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeInferenceComponent",
            ],
            [*endpoints, *everywhere("endpoint-config")],
        ),
        allow(
            [
                "sagemaker:DescribeTrainingJob",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:DescribeApp",
            ],
            everywhere("training-job", "processing-job", "app"),
        ),
        allow(
            [
                "sagemaker:AddTags",
                "sagemaker:DeleteTags",
                "sagemaker:DeleteInferenceComponent",
                "sagemaker:DeleteEndpoint",
            ],
            endpoints,
            None if whole_account else owned,
        ),
        allow(["cloudformation:DescribeStacks", "cloudformation:UpdateStack"], [arns.hosting_stack]),
        # Without ListBucket S3 answers "denied" for an object that is not there.
        allow(["s3:ListBucket"], [arns.s3(audit_bucket)]),
        allow(["s3:GetObject", "s3:PutObject"], [arns.s3(f"{audit_bucket}/audit/*")]),
        allow(
            ["cloudwatch:PutMetricData"],
            ANYTHING,
            {"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}},
        ),
        allow(["sns:Publish"], [topic_arn]),
    ]


def teardown(arns: Arns) -> list[Statement]:
    """Stop the project's executions and jobs, delete its model packages and unowned endpoints."""
    owned = {"StringEquals": {f"aws:ResourceTag/{PROJECT_TAG}": arns.names.project}}
    return [
        allow(["states:ListExecutions"], [arns.state_machine]),
        allow(["states:StopExecution"], [arns.executions]),
        allow(
            [
                "sagemaker:ListTrainingJobs",
                "sagemaker:ListModelPackages",
                "sagemaker:ListEndpoints",
                "sagemaker:ListInferenceComponents",
                "sagemaker:ListTags",
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DeregisterScalableTarget",
            ],
            ANYTHING,
        ),
        allow(["cloudformation:DescribeStacks"], [arns.hosting_stack]),
        allow(["sagemaker:StopTrainingJob"], [arns.training_jobs]),
        allow(
            ["sagemaker:DeleteModelPackage"],
            [arns.sagemaker(f"model-package/{arns.names.model_package_group}/*")],
        ),
        allow(["sagemaker:DescribeEndpoint"], [arns.sagemaker("endpoint/*")]),
        allow(["sagemaker:DeleteEndpoint"], [arns.sagemaker("endpoint/*")], owned),
        # Components on the project's endpoint need not carry the tag, and block the endpoint's deletion.
        allow(["sagemaker:DeleteInferenceComponent"], [arns.sagemaker("inference-component/*")]),
    ]
