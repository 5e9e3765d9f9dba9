"""What a run may cost, by the very functions that admit it in the state machine. Reserves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.admission import planning, reservations
from core.admission.decision import Admission, BudgetExceeded, Option, decide, options
from core.money import prices
from finexpert.deployment import Deployment
from finexpert.service.money.costs import budget_settings, month_to_date


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`admission` is None where the run would be refused; `refusal` then has the sum.

    `price_age_days`: of the instance's price.
    """

    admission: Admission | None
    refusal: str
    worst_case_usd: float
    cheaper: list[Option]
    price: str
    price_age_days: int


def plan(deployment: Deployment, *, training_tokens: float, now: datetime) -> Plan:
    """Ask for the configured job as admission would be asked now.

    Args:
        training_tokens: tokens that the optimizer would see, all epochs together.

    Raises:
        UnknownPrice, SpendUnknown: the same reasons for which nothing would be started.
    """
    settings = deployment.settings
    job = planning.JobSettings(
        region=settings.region,
        instance_type=settings.training_instance_type,
        instances=settings.training_instance_count,
        volume_gb=settings.volume_gb,
        max_runtime_seconds=settings.max_runtime_minutes * 60,
        max_wait_seconds=settings.max_wait_minutes * 60,
    )
    request = planning.request(job, spot=settings.spot, training_tokens=training_tokens)
    bucket = deployment.output("Storage", "ArtifactBucketName")
    book = reservations.read(deployment.target.client("s3"), bucket)
    money = planning.money(
        budget_settings(deployment), month_to_date(deployment, now=now), book.standing("", now)
    )
    price = prices.hourly(job.instance_type, job.region, "training")
    admission, refusal = None, ""
    try:
        admission = decide(request, money)
    except BudgetExceeded as refused:
        refusal = str(refused)
    return Plan(
        admission=admission,
        refusal=refusal,
        worst_case_usd=request.worst_usd,
        cheaper=options(request, money),
        price=str(price),
        price_age_days=price.age_days(now),
    )
