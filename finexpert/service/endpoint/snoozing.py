"""Keeps the idle reaper away from an endpoint for some hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from core.aws.calls import is_missing
from core.names import DELETE_AFTER_TAG, KEEP_TAG
from finexpert.errors import UserError


def snooze(clients: Callable[[str], Any], name: str, hours: float, now: datetime) -> datetime:
    """Write the keep tag with an end, and take a warning's deadline off; answers the end, UTC.

    Raises:
        UserError: there is no such endpoint.
    """
    sagemaker = clients("sagemaker")
    until = (now + timedelta(hours=hours)).astimezone(UTC).replace(second=0, microsecond=0)
    try:
        arn = sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"]
    except Exception as error:
        if not is_missing(error):
            raise
        raise UserError(
            f"There is no endpoint {name} here.",
            fix="What there is: finexpert reap --dry-run. If the reaper deleted it: finexpert restore "
            + name,
        ) from error
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": KEEP_TAG, "Value": f"{until:%Y-%m-%dT%H:%MZ}"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=[DELETE_AFTER_TAG])
    return until
