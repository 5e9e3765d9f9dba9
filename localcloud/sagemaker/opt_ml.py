"""A training job's /opt/ml: the folder, the configuration files in it, and the environment of the program.

Layout and names: Amazon SageMaker Developer Guide, "How Amazon SageMaker AI Provides Training
Information". There are no SM_* variables: a training toolkit sets them, which ContainerEntrypoint bypasses.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.sagemaker.container import ML, base_environment, replaced

HOST = "algo-1"
NETWORK_INTERFACE = "lo"
FOLDERS = ("input/config", "input/data", "model", "output/data", "checkpoints", "code", "tmp")


@dataclass(frozen=True)
class OptMl:
    """The folder that stands for /opt/ml."""

    root: Path

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def output_data(self) -> Path:
        return self.root / "output" / "data"

    @property
    def failure(self) -> Path:
        return self.root / "output" / "failure"

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name

    def checkpoints(self, job: Mapping[str, Any]) -> Path:
        """The folder that the job's CheckpointConfig keeps in S3."""
        local = job.get("CheckpointConfig", {}).get("LocalPath") or f"{ML}/checkpoints"
        return Path(replaced(local, self.root))

    def lay_out(self, job: Mapping[str, Any]) -> None:
        """Make the folders and write the three configuration files."""
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.checkpoints(job).mkdir(parents=True, exist_ok=True)
        for name, content in (
            ("hyperparameters", job.get("HyperParameters", {})),  # texts, as in the request
            ("inputdataconfig", input_data_config(job)),
            ("resourceconfig", resource_config(job)),
        ):
            path = self.root / "input" / "config" / f"{name}.json"
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")

    def command(self, job: Mapping[str, Any]) -> list[str]:
        """The program and its arguments, as the job gives them."""
        algorithm = job["AlgorithmSpecification"]
        words = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])]
        return [replaced(word, self.root) for word in words]

    def environment(self, job: Mapping[str, Any], credentials: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of the program; the job's own Environment comes last, so it wins."""
        own = {name: replaced(value, self.root) for name, value in job.get("Environment", {}).items()}
        names = {"TRAINING_JOB_NAME": job["TrainingJobName"], "TRAINING_JOB_ARN": job["TrainingJobArn"]}
        return base_environment(self.root) | dict(credentials) | names | own


def input_data_config(job: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The content of inputdataconfig.json, for each channel."""
    mode = job["AlgorithmSpecification"]["TrainingInputMode"]
    return {
        channel["ChannelName"]: {
            "TrainingInputMode": channel.get("InputMode", mode),
            "S3DistributionType": s3_source(channel).get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        | ({"ContentType": channel["ContentType"]} if channel.get("ContentType") else {})
        for channel in job.get("InputDataConfig", [])
    }


def resource_config(job: Mapping[str, Any]) -> dict[str, Any]:
    """The content of resourceconfig.json: one host, on the loopback interface."""
    instance_type = job["ResourceConfig"]["InstanceType"]
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": [HOST]}
    return {
        "current_host": HOST,
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": [HOST],
        "instance_groups": [group],
        "network_interface_name": NETWORK_INTERFACE,
    }


def s3_source(channel: Mapping[str, Any]) -> dict[str, Any]:
    """The S3DataSource of a channel."""
    source: dict[str, Any] = channel["DataSource"]["S3DataSource"]
    return source
