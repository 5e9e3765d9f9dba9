"""A log group as all of this project are."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

KEPT_DAYS = 30


def project_log_group(
    scope: Construct, construct_id: str, *, name: str, key_arn: str | None
) -> logs.LogGroup:
    """A log group that forgets after 30 days and goes with its stack; encrypted with `key_arn`, if given."""
    key = kms.Key.from_key_arn(scope, f"{construct_id}Key", key_arn) if key_arn else None
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
        encryption_key=key,
    )
