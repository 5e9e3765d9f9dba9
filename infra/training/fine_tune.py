"""All that the state machine of a run is made from."""

from __future__ import annotations

from dataclasses import dataclass

from infra.training.job import TrainingJob


@dataclass(frozen=True, kw_only=True)
class FineTune:
    """All that the definition is made from; ARNs may be CDK tokens."""

    job: TrainingJob
    spot: bool
    poll_seconds: int
    timeout_seconds: int
    region: str
    validate_dataset_arn: str
    admission_arn: str
    read_evaluation_arn: str
    finish_wake_arn: str
    topic_arn: str
    model_package_group: str
    serving_image: str
    artifact_parameter: str
    hosting_stack: str
    hosting_role_arn: str
