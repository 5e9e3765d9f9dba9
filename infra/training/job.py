"""The training job of a run: the request for CreateTrainingJob, with the state machine's paths in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.dataset.validation import LABELS
from core.instances import has_local_disks
from core.money.prices import training_usd_per_hour
from core.names import LLAMA_2_7B, PROJECT_TAG, Names
from infra import images
from infra.encryption import volume_key
from infra.settings import Settings

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
AROUND_THE_JOB_SECONDS = 2 * 3600
"""Seconds of a run besides its job: a wake loads 13.5 GB, and may first wait for another update."""


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """The training jobs of a deployment with `settings`.

    `key_arn` is of the customer-managed key, None without one; `subnet_ids` and `security_group_ids` are
    empty without a private network.
    """

    settings: Settings
    role_arn: str
    base_model_uri: str
    code_uri: str
    artifact_bucket: str
    key_arn: str | None = None
    subnet_ids: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()

    @property
    def image(self) -> str:
        """The training container."""
        return self.settings.training_image or images.training_image(self.settings.region)

    @property
    def volume_key_arn(self) -> str | None:
        """The key for the storage volume of its instances."""
        return volume_key(self.settings.training_instance_type, self.key_arn)

    @property
    def checkpoint_prefix(self) -> str:
        """Where checkpoints go, below the artifact bucket, with a place for the run's name."""
        return LASTING_CHECKPOINTS if self.settings.hosting == "merged" else CHECKPOINTS

    def request(self) -> dict[str, Any]:
        """CreateTrainingJob's parameters; `$.…` are paths into the execution's state (see definition.py)."""
        settings, instance_type = self.settings, self.settings.training_instance_type
        code_zip = self.code_uri.rsplit("/", 1)[1]
        usd_per_hour = training_usd_per_hour(instance_type, settings.volume_gb, settings.region)
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
                **({"KmsKeyId": self.key_arn} if self.key_arn else {}),
            },
            # A spot run that is repeated on demand continues from the checkpoint of the run.
            "CheckpointConfig": {
                "LocalPath": "/opt/ml/checkpoints",
                "S3Uri.$": f"States.Format('s3://{self.artifact_bucket}/{self.checkpoint_prefix}', $.run)",
            },
            "ResourceConfig": {
                "InstanceType": instance_type,
                "InstanceCount": settings.training_instance_count,
                # Types with local disks get no volume.
                **({} if has_local_disks(instance_type) else {"VolumeSizeInGB": settings.volume_gb}),
                **({"VolumeKmsKeyId": self.volume_key_arn} if self.volume_key_arn else {}),
            },
            **self._network(),
            "StoppingCondition.$": "$.stopping",
            "EnableManagedSpotTraining.$": "$.spot",
            # SageMaker itself brings the channels and takes the output away: the program needs no network.
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": settings.training_instance_count > 1,
            "Environment": {
                "PYTHONPATH": f"/opt/ml/input/data/code/{code_zip}",
                "PYTHONUNBUFFERED": "1",
                "HF_HUB_OFFLINE": "1",
                # Of one instance: the program counts the hosts that it finds.
                "FINEXPERT_USD_PER_HOUR": f"{usd_per_hour:g}",
                # For the report's first lines.
                "FINEXPERT_RUN.$": "$.run",
                **{f"FINEXPERT_{each.upper()}.$": f"$.dataset.answer.labels.{each}" for each in LABELS},
                # Where it is known without the weights.
                "FINEXPERT_BASE": "" if settings.base_model_uri else LLAMA_2_7B,
            },
            "Tags": [
                {"Key": key, "Value": value}
                for key, value in {PROJECT_TAG: settings.prefix, **settings.tags}.items()
            ],
        }

    def _network(self) -> dict[str, Any]:
        if not self.subnet_ids:
            return {}
        vpc = {"Subnets": list(self.subnet_ids), "SecurityGroupIds": list(self.security_group_ids)}
        return {"VpcConfig": vpc}

    def _weights(self) -> dict[str, Any]:
        licence = {"ModelAccessConfig": {"AcceptEula": True}} if self.settings.gated else {}
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
    functions: Mapping[str, str]
    topic_arn: str
    serving_image: str
    hosting_role_arn: str

    @property
    def settings(self) -> Settings:
        """Those of the deployment."""
        return self.job.settings

    @property
    def names(self) -> Names:
        """The names of what it calls."""
        return self.settings.names

    @property
    def timeout_seconds(self) -> int:
        """The longest that a run may take."""
        settings = self.settings
        on_job = (settings.max_runtime_minutes + settings.spot * settings.max_wait_minutes) * 60
        return on_job + AROUND_THE_JOB_SECONDS
