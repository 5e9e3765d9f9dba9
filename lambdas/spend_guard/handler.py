"""The spend guard, called every few minutes (`core.guard`)."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.aws.calls import AwsClients
from core.guard.guarding import GuardSettings, guard
from core.money.sources import billing_client


def handler(event: Mapping[str, Any] | None = None, context: object = None) -> dict[str, Any]:
    """One run; the event is not used. Answer {spent_usd, burn_usd_per_hour, limit_usd, hours_to_limit,
    projected_usd, over, told, stopped, problems}. Raises GuardBlind after all was tried when stopping failed
    or its memory could not be read or written."""
    settings = GuardSettings.load(os.environ)
    return guard(settings, AwsClients(settings.region), datetime.now(UTC), billing=billing_client)
