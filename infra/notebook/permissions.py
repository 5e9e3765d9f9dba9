"""Permissions of the notebook instance's user: the steps of finexpert/api.py and no more."""

from core.names import RUN_NAMES, TRAINING_LOG_GROUP
from infra.arns import Arns
from infra.permissions import Statement, allow, switch_hosting


def notebook_permissions(
    arns: Arns, *, instance_name: str, data_bucket: str, artifact_bucket: str
) -> list[Statement]:
    """Upload data, run and follow a fine-tune, wake, ask, sleep; and the instance may stop itself."""
    return [
        allow(["sagemaker:StopNotebookInstance"], [arns.sagemaker(f"notebook-instance/{instance_name}")]),
        *_fine_tuning(arns, data_bucket, artifact_bucket),
        *_hosting(arns),
    ]


def _fine_tuning(arns: Arns, data_bucket: str, artifact_bucket: str) -> list[Statement]:
    return [
        allow(["s3:ListBucket"], [arns.s3(data_bucket), arns.s3(artifact_bucket)]),
        allow(
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
            [arns.s3(f"{data_bucket}/datasets/*")],
        ),
        allow(["s3:GetObject"], [arns.s3(f"{artifact_bucket}/runs/*")]),
        allow(["s3:PutObject"], [arns.s3(f"{artifact_bucket}/{RUN_NAMES}")]),
        # Before a run starts, the last ones are listed: the same data within the hour is asked about.
        allow(["states:StartExecution", "states:ListExecutions"], [arns.state_machine]),
        allow(["states:DescribeExecution", "states:GetExecutionHistory"], [arns.executions]),
        allow(["sagemaker:DescribeTrainingJob"], [arns.training_jobs]),
        allow(["logs:DescribeLogStreams", "logs:GetLogEvents"], arns.log(TRAINING_LOG_GROUP)),
    ]


def _hosting(arns: Arns) -> list[Statement]:
    names = arns.names
    endpoint = arns.sagemaker(f"endpoint/{names.endpoint}")
    components = [
        arns.sagemaker(f"inference-component/{name}")
        for name in (names.base_component, names.tuned_component)
    ]
    others = [arns.of("cloudformation", f"stack/{names.stack(part)}/*") for part in ("Storage", "Training")]
    return [
        allow(["cloudformation:DescribeStacks"], [*others, arns.hosting_stack]),
        allow(
            ["cloudformation:DescribeStackEvents", "cloudformation:CancelUpdateStack"], [arns.hosting_stack]
        ),
        *switch_hosting(arns),
        allow(
            ["ssm:GetParameter"],
            [
                arns.of("ssm", f"parameter{name}")
                for name in (names.artifact_parameter, names.settings_parameter)
            ],
        ),
        allow(["sagemaker:InvokeEndpointWithResponseStream"], [endpoint, *components]),
        # Sleep looks whether the endpoint is gone, and whose it is.
        allow(["sagemaker:DescribeEndpoint", "sagemaker:ListTags"], [endpoint]),
    ]
