"""Retention: log groups are kept for a month, and data by the setting `retain_data`."""

from aws_cdk import RemovalPolicy, Tags
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from core.names import RETAINED_TAG, TAKE_UP, Names

SETTING = "retain_data"
KEPT_DAYS = 30


def project_log_group(
    scope: Construct, construct_id: str, *, name: str, key_arn: str | None
) -> logs.LogGroup:
    """Make a log group that forgets after 30 days and goes with its stack; `key_arn` encrypts it."""
    key = kms.Key.from_key_arn(scope, f"{construct_id}Key", key_arn) if key_arn else None
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=RemovalPolicy.DESTROY,
        encryption_key=key,
    )


def keep(construct: Construct) -> None:
    """Mark what outlives its stack, so that `finexpert leftovers` knows that it stays on purpose."""
    Tags.of(construct).add(RETAINED_TAG, SETTING)


def notice(names: Names, *, own_key: bool) -> str:
    """Say what `cdk destroy` keeps, why, and how to remove it."""
    key = ", and the key that encrypts them" if own_key else ""
    return (
        f"{SETTING} is true: cdk destroy keeps the buckets {names.name}-data-…, {names.name}-artifacts-… and"
        f" {names.name}-audit-…{key}: your text, your models, and what finexpert restore needs."
        f" {names.stack('Storage')} is protected from deletion (docs/settings.md says how to lift that)."
        " S3 bills what the buckets hold. finexpert leftovers lists what was kept. To go on with it later:"
        f" {TAKE_UP}"
    )
