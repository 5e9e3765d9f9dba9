"""SageMaker's roles: for training jobs, and for the endpoint.

The endpoint's role lives here, in the Training stack, because the Hosting stack must hold no IAM resource:
with one, every wake and sleep would need an acknowledgement (docs/decisions/hosting-parameter.md).
"""

import re

from core.aws.s3 import S3Address
from core.names import TRAINING_LOG_GROUP
from infra.arns import Arns
from infra.encryption import key_use, output_key_use, volume_key, volume_key_use
from infra.permissions import ANYTHING, Statement, allow, owned, pass_role
from infra.training.job import TrainingJob

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[^:@]+)"
)


def read_prefix(arns: Arns, uri: str) -> list[Statement]:
    """List and read what lies below an S3 URI; a URI of one object allows that object."""
    bucket, prefix = S3Address.parse(uri)
    return [
        allow(["s3:ListBucket"], [arns.s3(bucket)], {"StringLike": {"s3:prefix": f"{prefix}*"}}),
        allow(["s3:GetObject"], [arns.s3(f"{bucket}/{prefix}*")]),
    ]


def pull_image(arns: Arns, image: str) -> list[Statement]:
    """Pull a container from ECR; none for an image that lies elsewhere."""
    found = _ECR.match(image)
    if found is None:
        return []
    repository = (
        f"arn:{arns.partition}:ecr:{found['region']}:{found['account']}:repository/{found['repository']}"
    )
    return [
        # The token has no resource: it is for the whole registry.
        allow(["ecr:GetAuthorizationToken"], ANYTHING),
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [repository],
        ),
    ]


def write_logs(arns: Arns, group: str) -> list[Statement]:
    """Write to the log groups that SageMaker makes, and SageMaker's own metrics."""
    return [
        allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            arns.log(group),
        ),
        # PutMetricData has no resource; the namespace is what can be narrowed.
        allow(
            ["cloudwatch:PutMetricData"],
            ANYTHING,
            {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        ),
    ]


def training_permissions(arns: Arns, job: TrainingJob) -> list[Statement]:
    """Read dataset, weights and code; write the run's output; read and write its checkpoints."""
    checkpoints = f"{job.checkpoint_prefix.format('*').removesuffix('*/')}*"
    data = [
        *read_prefix(arns, f"s3://{arns.names.bucket('data', arns.account)}/datasets/"),
        *read_prefix(arns, job.base_model_uri),
        *read_prefix(arns, job.code_uri),
        allow(["s3:ListBucket"], [arns.bucket("artifacts")], {"StringLike": {"s3:prefix": checkpoints}}),
        allow(["s3:GetObject"], [arns.bucket("artifacts", f"/{checkpoints}")]),
        allow(
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            [arns.bucket("artifacts", f"/{checkpoints}"), arns.bucket("artifacts", "/runs/*")],
        ),
    ]
    return [
        *data,
        *key_use(arns, job.key_arn, data),
        *output_key_use(arns, job.key_arn),
        *volume_key_use(job.volume_key_arn),
        *pull_image(arns, job.image),
        *write_logs(arns, TRAINING_LOG_GROUP),
    ]


def serving_permissions(
    arns: Arns,
    *,
    image: str,
    base_model_uri: str,
    instance_type: str,
    key_arn: str | None,
) -> list[Statement]:
    """Read weights and adapters."""
    adapters = f"s3://{arns.names.bucket('artifacts', arns.account)}/runs/"
    data = [*read_prefix(arns, base_model_uri), *read_prefix(arns, adapters)]
    return [
        *data,
        *key_use(arns, key_arn, data),
        *volume_key_use(volume_key(instance_type, key_arn)),
        *pull_image(arns, image),
        *write_logs(arns, arns.names.endpoint_log),
        *write_logs(arns, arns.names.component_log(f"{arns.names.name}-*"))[:1],
    ]


def switching_permissions(arns: Arns, *, serving_role_arn: str, key_arn: str | None) -> list[Statement]:
    """Permissions to make and remove the Hosting stack's endpoint, and no more, under any template.

    Model and endpoint config have names that CloudFormation makes up, so that they can be replaced: they are
    known by the project's tag. Neither costs anything.
    """
    named = arns.served
    unnamed = [arns.sagemaker("model/*"), arns.sagemaker("endpoint-config/*")]
    on = [
        f"sagemaker:{verb}{kind}"
        for kind in ("Endpoint", "InferenceComponent")
        for verb in ("Create", "Describe", "Update", "Delete")
    ]
    return [
        allow([*on, "sagemaker:UpdateInferenceComponentRuntimeConfig"], named),
        # An endpoint is made from a config, and the request needs the right on both.
        allow(["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"], [unnamed[1]]),
        allow(
            [
                "sagemaker:CreateModel",
                "sagemaker:DescribeModel",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:DescribeEndpointConfig",
            ],
            unnamed,
        ),
        allow(["sagemaker:DeleteModel", "sagemaker:DeleteEndpointConfig"], unnamed, owned(arns)),
        allow(["sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags"], [*named, *unnamed]),
        pass_role(serving_role_arn, "sagemaker"),
        *volume_key_use(key_arn),
    ]
