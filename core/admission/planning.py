"""From settings, prices and the month so far to the question that `decision` answers. No AWS call."""

from __future__ import annotations

from dataclasses import dataclass

from core.admission.decision import Money, Offer, Request
from core.admission.reservations import Reservation
from core.money.prices import hourly, priced_types, volume_hourly_usd
from core.money.settings import BudgetSettings
from core.money.spend import Spend

#: Families whose GPU has at least the 24 GB that Llama 2 7B's recipe needs (A10G, L4, L40S).
SUITABLE = ("ml.g5.", "ml.g6.", "ml.g6e.")


class SpendUnknown(RuntimeError):
    """What was spent so far cannot be told, so no job may start; the message says what could not be read."""


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """The training job that every run asks for; times in seconds."""

    region: str
    instance_type: str
    instances: int
    volume_gb: float
    max_runtime_seconds: int
    max_wait_seconds: int


def request(job: JobSettings, *, spot: bool, training_tokens: float) -> Request:
    """The job with its prices; UnknownPrice if its type has none in the region."""
    each = hourly(job.instance_type, job.region, "training")
    others = [
        Offer(instance_type=name, usd_per_hour=hourly(name, job.region, "training").usd)
        for name in priced_types(job.region, "training")
        if name.startswith(SUITABLE) and name != job.instance_type
    ]
    return Request(
        instance_type=job.instance_type,
        instances=job.instances,
        usd_per_instance_hour=each.usd,
        volume_usd_per_hour=volume_hourly_usd(job.volume_gb, job.region),
        volume_gb=job.volume_gb,
        max_runtime_seconds=job.max_runtime_seconds,
        max_wait_seconds=job.max_wait_seconds,
        spot=spot,
        training_tokens=training_tokens,
        price=str(each),
        others=others,
    )


def money(budget: BudgetSettings, spend: Spend, reserved: list[Reservation]) -> Money:
    """What is left of the month, with the reservations of jobs that do not exist yet.

    Raises:
        SpendUnknown: something could not be read or priced.
    """
    doubts = [*spend.unread, *spend.unpriced]
    if doubts:
        raise SpendUnknown(
            "What this month has cost so far is not fully known, so nothing new is started: "
            + "; ".join(doubts)
        )
    waiting = [each for each in reserved if each.job not in spend.jobs]
    training = spend.burn_usd_per_hour - spend.beside_usd_per_hour
    return Money(
        budget_usd=budget.budget_usd,
        reserve_usd=budget.reserve_usd,
        spent_usd=spend.total_usd,
        committed_usd=spend.committed_usd + sum(each.usd for each in waiting),
        beside_usd_per_hour=spend.beside_usd_per_hour,
        bound_usd_per_hour=training + sum(each.usd_per_hour for each in waiting),
        exposure=budget.exposure,
    )
