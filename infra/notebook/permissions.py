"""Permissions of the notebook instance's user: the steps of finexpert/api.py and no more."""

from core.names import RUN_NAMES, TRAINING_LOG_GROUP
from infra.arns import Arns
from infra.permissions import Statement, allow, ask_endpoint, switch_hosting


def notebook_permissions(arns: Arns, *, instance_name: str) -> list[Statement]:
    """Upload data, run and follow a fine-tune, wake, ask, sleep; and the instance may stop itself."""
    return [
        allow(["sagemaker:StopNotebookInstance"], [arns.sagemaker(f"notebook-instance/{instance_name}")]),
        *_fine_tuning(arns),
        *_hosting(arns),
    ]


def _fine_tuning(arns: Arns) -> list[Statement]:
    return [
        allow(["s3:ListBucket"], [arns.bucket("data"), arns.bucket("artifacts")]),
        allow(
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
            [arns.bucket("data", "/datasets/*")],
        ),
        allow(["s3:GetObject"], [arns.bucket("artifacts", "/runs/*")]),
        allow(["s3:PutObject"], [arns.bucket("artifacts", f"/{RUN_NAMES}")]),
        # Before a run starts, the last ones are listed: the same data within the hour is asked about.
        allow(["states:StartExecution", "states:ListExecutions"], [arns.state_machine]),
        allow(["states:DescribeExecution", "states:GetExecutionHistory"], [arns.executions]),
        allow(["sagemaker:DescribeTrainingJob"], [arns.training_jobs]),
        allow(["logs:DescribeLogStreams", "logs:GetLogEvents"], arns.log(TRAINING_LOG_GROUP)),
    ]


def _hosting(arns: Arns) -> list[Statement]:
    names = arns.names
    others = [arns.of("cloudformation", f"stack/{names.stack(part)}/*") for part in ("Storage", "Training")]
    parameters = (names.artifact_parameter, names.settings_parameter)
    return [
        allow(["cloudformation:DescribeStacks"], [*others, arns.hosting_stack]),
        allow(
            ["cloudformation:DescribeStackEvents", "cloudformation:CancelUpdateStack"], [arns.hosting_stack]
        ),
        *switch_hosting(arns),
        allow(["ssm:GetParameter"], [arns.of("ssm", f"parameter{name}") for name in parameters]),
        ask_endpoint(arns),
        # Sleep looks whether the endpoint is gone, and whose it is.
        allow(["sagemaker:DescribeEndpoint", "sagemaker:ListTags"], [arns.served[0]]),
    ]
