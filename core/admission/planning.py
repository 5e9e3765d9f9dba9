"""Turns settings, prices and the month so far into the question that `decision` answers. No AWS call."""

from dataclasses import dataclass

from core import Explained
from core.admission.decision import JobRequest, Money
from core.admission.reservations import Reservation
from core.instances import has_local_disks, suits_the_recipe
from core.money.prices import hourly, priced_types, training_usd_per_hour
from core.money.settings import BudgetSettings
from core.money.spend import Spend


class SpendUnknown(Explained, RuntimeError):
    """This month's spending is not known, so no job may start; the message says what could not be read."""


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """The training job that every run asks for; times in seconds."""

    region: str
    instance_type: str
    instances: int
    volume_gb: float
    max_runtime_seconds: int
    max_wait_seconds: int


def request(job: JobSettings, *, spot: bool, training_tokens: float) -> JobRequest:
    """The job with its prices; UnknownPrice if its type has none in the region."""

    def rate(instance_type: str) -> float:
        return training_usd_per_hour(instance_type, job.volume_gb, job.region)

    others = {
        name: rate(name)
        for name in priced_types(job.region, "training")
        if suits_the_recipe(name) and name != job.instance_type
    }
    return JobRequest(
        instance_type=job.instance_type,
        instances=job.instances,
        usd_per_instance_hour=rate(job.instance_type),
        volume_gb=0.0 if has_local_disks(job.instance_type) else job.volume_gb,
        max_runtime_seconds=job.max_runtime_seconds,
        max_wait_seconds=job.max_wait_seconds,
        spot=spot,
        training_tokens=training_tokens,
        price=str(hourly(job.instance_type, job.region, "training")),
        others=others,
    )


def money(budget: BudgetSettings, spend: Spend, reserved: list[Reservation]) -> Money:
    """The rest of the month's money, less the reservations of jobs that do not exist yet.

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
