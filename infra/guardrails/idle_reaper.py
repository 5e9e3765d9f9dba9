"""What the idle reaper may do."""

from collections.abc import Sequence
from dataclasses import replace

from infra.arns import Arns
from infra.permissions import ANYTHING, Statement, allow, end_scaling, owned, put_own_metrics, switch_hosting


def idle_reaper(
    arns: Arns, topic_arn: str, audit_bucket: str, *, whole_account: bool, regions: Sequence[str] = ()
) -> list[Statement]:
    """See every endpoint and its use, warn, and delete: the project's, or the whole account's.

    Of notebook instances, jobs and apps it may only look. `regions`: where, if not in the own region alone.
    """
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
                "application-autoscaling:DescribeScalingPolicies",
                "cloudformation:DescribeStackResources",
            ],
            ANYTHING,
        ),
        *end_scaling(),
        allow(
            [
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeInferenceComponent",
            ],
            [*endpoints, *everywhere("endpoint-config")],
        ),
        allow(
            ["sagemaker:DescribeTrainingJob", "sagemaker:DescribeProcessingJob", "sagemaker:DescribeApp"],
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
            None if whole_account else owned(arns),
        ),
        allow(["cloudformation:DescribeStacks"], [arns.hosting_stack]),
        *switch_hosting(arns),
        # Without ListBucket S3 answers "denied" for an object that is not there.
        allow(["s3:ListBucket"], [arns.s3(audit_bucket)]),
        allow(["s3:GetObject", "s3:PutObject"], [arns.s3(f"{audit_bucket}/audit/*")]),
        put_own_metrics(),
        allow(["sns:Publish"], [topic_arn]),
    ]
