"""The training job of a run: the request for CreateTrainingJob, with the state machine's paths in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.dataset.validation import LABELS
from core.instances import has_local_disks
from core.names import PROJECT_TAG

_NUMBER = r"(-?[0-9.]+(?:[eE][-+]?[0-9]+)?)"
_VALIDATION = r'"event": "evaluation".*?"split": "validation".*?'

# The trainer prints one JSON object a line; SageMaker takes the first group as the metric's value.
METRICS = {
    "train:loss": rf'"event": "step".*?"loss": {_NUMBER}',
    "train:tokens_per_second": rf'"event": "step".*?"tokens_per_second": {_NUMBER}',
    "validation:loss": rf'{_VALIDATION}"loss": {_NUMBER}',
    "validation:bits_per_byte": rf'{_VALIDATION}"bits_per_byte": {_NUMBER}',
}
"""Metric definitions by name."""


CHECKPOINTS = "checkpoints/{}/"
"""Below the artifact bucket, with the run's name in it; the bucket lets them expire."""
LASTING_CHECKPOINTS = "runs/{}/checkpoints/"
"""The same where an endpoint serves what lies there (merged weights), which must not expire."""


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Settings that all training jobs of this deployment share; `usd_per_hour` counts all instances.

    `base_name`: of the base model, where it is known without its weights.
    `output_key_arn` and `volume_key_arn` are None without a customer-managed key, `subnet_ids` and
    `security_group_ids` empty without a private network; `tags` are those that a company requires.
    """

    project: str
    role_arn: str
    image: str
    instance_type: str
    instance_count: int
    volume_gb: int
    usd_per_hour: float
    base_model_uri: str
    base_name: str = ""
    accept_eula: bool
    code_uri: str
    artifact_bucket: str
    checkpoint_prefix: str = CHECKPOINTS
    output_key_arn: str | None
    volume_key_arn: str | None
    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    tags: Mapping[str, str] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """CreateTrainingJob's parameters; `$.…` are paths into the execution's state (see definition.py)."""
        code_zip = self.code_uri.rsplit("/", 1)[1]
        return {
            "TrainingJobName.$": "$.job_name",
            "RoleArn": self.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python", "-m", "training"],
                "MetricDefinitions": [{"Name": name, "Regex": regex} for name, regex in METRICS.items()],
            },
            "HyperParameters.$": "$.dataset.answer.hyperparameters",
            "InputDataConfig": [
                _channel("training", {"S3Uri.$": "$.request.dataset"}),
                _channel("model", self._weights()),
                _channel("code", {"S3Uri": self.code_uri}),
            ],
            "OutputDataConfig": {
                "S3OutputPath": f"s3://{self.artifact_bucket}/runs/",
                # Without a key here SageMaker takes the account's default one, whatever the bucket says.
                **({"KmsKeyId": self.output_key_arn} if self.output_key_arn else {}),
            },
            # A spot run that is repeated on demand continues from the checkpoint of the run.
            "CheckpointConfig": {
                "LocalPath": "/opt/ml/checkpoints",
                "S3Uri.$": f"States.Format('s3://{self.artifact_bucket}/{self.checkpoint_prefix}', $.run)",
            },
            "ResourceConfig": {
                "InstanceType": self.instance_type,
                "InstanceCount": self.instance_count,
                # Types with local disks get no volume.
                **({} if has_local_disks(self.instance_type) else {"VolumeSizeInGB": self.volume_gb}),
                **({"VolumeKmsKeyId": self.volume_key_arn} if self.volume_key_arn else {}),
            },
            **self._network(),
            "StoppingCondition.$": "$.stopping",
            "EnableManagedSpotTraining.$": "$.spot",
            # SageMaker itself brings the channels and takes the output away: the program needs no network.
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": self.instance_count > 1,
            "Environment": {
                "PYTHONPATH": f"/opt/ml/input/data/code/{code_zip}",
                "PYTHONUNBUFFERED": "1",
                "HF_HUB_OFFLINE": "1",
                # Of one instance: the program counts the hosts that it finds.
                "FINEXPERT_USD_PER_HOUR": f"{self.usd_per_hour / self.instance_count:g}",
                # For the report's first lines.
                "FINEXPERT_RUN.$": "$.run",
                **{f"FINEXPERT_{each.upper()}.$": f"$.dataset.answer.labels.{each}" for each in LABELS},
                "FINEXPERT_BASE": self.base_name,
            },
            "Tags": [
                {"Key": key, "Value": value}
                for key, value in {PROJECT_TAG: self.project, **self.tags}.items()
            ],
        }

    def _network(self) -> dict[str, Any]:
        if not self.subnet_ids:
            return {}
        vpc = {"Subnets": list(self.subnet_ids), "SecurityGroupIds": list(self.security_group_ids)}
        return {"VpcConfig": vpc}

    def _weights(self) -> dict[str, Any]:
        licence = {"ModelAccessConfig": {"AcceptEula": True}} if self.accept_eula else {}
        return {"S3Uri": self.base_model_uri, **licence}


def _channel(name: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated", **source}
        },
    }


@dataclass(frozen=True, kw_only=True)
class FineTune:
    """The parts that the state machine of a run is made from; ARNs may be CDK tokens.

    `functions`: ARNs by purpose, such as `validate-dataset`.
    """

    job: TrainingJob
    spot: bool
    poll_seconds: int
    timeout_seconds: int
    region: str
    functions: Mapping[str, str]
    topic_arn: str
    model_package_group: str
    serving_image: str
    artifact_parameter: str
    hosting_stack: str
    hosting_role_arn: str
