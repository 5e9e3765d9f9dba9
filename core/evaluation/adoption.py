"""Whether a training job that was already there is the one that a run asked for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

EXACT = ("TrainingJobName", "RoleArn", "HyperParameters", "Environment", "EnableNetworkIsolation")
PROGRAM = ("TrainingImage", "ContainerEntrypoint", "ContainerArguments")


def differences(asked: Mapping[str, Any], job: Mapping[str, Any], *, began: datetime) -> list[str]:
    """Return the fields in which a job differs from what was asked for; none: it is the run's own.

    SageMaker refuses a second job of a name. That is so when the answer to the first request was lost, and
    also when somebody else made a job of this name, whose program and data decide what it says of itself.

    Args:
        asked: the request for CreateTrainingJob.
        job: DescribeTrainingJob's answer, as Step Functions writes it.
        began: when the run began, timezone-aware.
    """
    found = [name for name in EXACT if asked.get(name) != job.get(name)]
    wanted, given = (_part(each, "AlgorithmSpecification") for each in (asked, job))
    found += [name for name in PROGRAM if (wanted.get(name) or None) != (given.get(name) or None)]
    if channels(asked) != channels(job):
        found.append("InputDataConfig")
    for part, name in (("OutputDataConfig", "S3OutputPath"), ("CheckpointConfig", "S3Uri")):
        if _part(asked, part).get(name) != _part(job, part).get(name):
            found.append(part)
    created = job.get("CreationTime")
    if not isinstance(created, str) or datetime.fromisoformat(created) < began:
        found.append("CreationTime")
    return found


def channels(request: Mapping[str, Any]) -> dict[str, str]:
    """S3 URI by channel."""
    return {
        channel["ChannelName"]: channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
        for channel in request.get("InputDataConfig", [])
    }


def _part(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = request.get(name)
    return part if isinstance(part, Mapping) else {}
