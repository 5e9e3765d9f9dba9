"""Lets a training job start only if its worst case fits the month's budget (step 2 of the state machine)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from lambdas.admission.decision import Money, Request, decide
from lambdas.shared.aws import AwsClients, region_from
from lambdas.shared.environment import Variables
from lambdas.shared.prices import hourly, volume_hourly_usd
from lambdas.shared.spend import Spend
from lambdas.shared.spend_sources import month_to_date


class SpendUnknown(RuntimeError):
    """What was spent so far cannot be told, so no job may start; the message says what could not be read."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The function's settings; times in seconds, money in dollars a month."""

    project: str
    region: str
    hosting_stack: str
    budget_usd: float
    reserve_usd: float
    instance_type: str
    instances: int
    volume_gb: float
    max_runtime_seconds: int
    max_wait_seconds: int

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Settings:
        """Read from environment variables; ConfigurationError names all that cannot be used."""
        variables = Variables(environ)
        project = variables.text("PROJECT", "FinExpert")
        settings = cls(
            project=project,
            region=region_from(environ),
            hosting_stack=variables.text("HOSTING_STACK", f"{project}-Hosting"),
            budget_usd=variables.number("BUDGET_USD", 25),
            reserve_usd=variables.number("RESERVE_USD", 2),
            instance_type=variables.text("TRAINING_INSTANCE_TYPE", "ml.g5.2xlarge"),
            instances=int(variables.number("TRAINING_INSTANCE_COUNT", 1, low=1)),
            volume_gb=variables.number("VOLUME_GB", 100, low=1),
            max_runtime_seconds=int(variables.number("MAX_RUNTIME_SECONDS", 7200, low=60)),
            max_wait_seconds=int(variables.number("MAX_WAIT_SECONDS", 14400, low=60)),
        )
        variables.check()
        return settings


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Event {run, spot, dataset: validate_dataset's answer}; answer see `Admission`.

    Raises BudgetExceeded, UnknownPrice, SpendUnknown: none of them lets the job start.
    """
    settings = Settings.load(os.environ)
    now = datetime.now(UTC)
    spend = month_to_date(
        AwsClients(settings.region),
        project=settings.project,
        hosting_stack=settings.hosting_stack,
        region=settings.region,
        now=now,
    )
    return admit(event, settings, spend)


def admit(event: Mapping[str, Any], settings: Settings, spend: Spend) -> dict[str, Any]:
    """Price the job and decide with what was spent."""
    doubts = [*spend.unread, *spend.unpriced]
    if doubts:
        raise SpendUnknown(
            "What this month has cost so far is not fully known, so nothing new is started: "
            + "; ".join(doubts)
        )
    dataset = event.get("dataset") or {}
    epochs = float((dataset.get("hyperparameters") or {}).get("epoch", 1))
    each = hourly(settings.instance_type, settings.region, "training").usd
    request = Request(
        instance_type=settings.instance_type,
        instances=settings.instances,
        usd_per_instance_hour=each + volume_hourly_usd(settings.volume_gb, settings.region),
        max_runtime_seconds=settings.max_runtime_seconds,
        max_wait_seconds=settings.max_wait_seconds,
        spot=bool(event.get("spot")),
        training_tokens=float(dataset.get("tokens_estimated", 0)) * epochs,
    )
    money = Money(
        budget_usd=settings.budget_usd,
        reserve_usd=settings.reserve_usd,
        spent_usd=spend.total_usd,
        committed_usd=spend.committed_usd,
    )
    return asdict(decide(request, money))
