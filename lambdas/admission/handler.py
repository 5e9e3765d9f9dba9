"""Lets a training job start only if its worst case fits the month's budget (step 2 of the state machine)."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from core.admission.admitting import AdmissionSettings, admit
from core.aws.calls import AwsClients
from core.money.sources import billing_client, month_to_date
from core.money.spend import Spend


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Event {job, spot, dataset: validate_dataset's answer}; answer see `core.admission.decision.Admission`.

    Raises BudgetExceeded, UnknownPrice, SpendUnknown: none of them lets the job start.
    """
    settings = AdmissionSettings.load(os.environ)
    clients = AwsClients(settings.job.region)

    def spend(now: datetime) -> Spend:
        region = settings.job.region
        return month_to_date(clients, settings.budget, region=region, now=now, billing=billing_client)

    return asdict(admit(event, settings, clients, spend, clock=lambda: datetime.now(UTC)))
