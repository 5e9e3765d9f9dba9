"""The cost of a training job: one sum for run list, page, model card, mail, `costs`, guard and admission.

Dollars = price of the instance, with its volume where its type has one, × billed hours × instances.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from core.instances import has_local_disks
from core.money.prices import PriceOf, UnknownPrice, dearest, hourly, training_usd_per_hour
from core.money.time import HOUR, hours_between

RUNNING = ("InProgress", "Stopping")


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A training job as DescribeTrainingJob describes it; times are UTC-aware.

    `start` is None until instances are there. `billable_seconds` counts for all instances alike (for spot,
    what is left after the savings); SageMaker gives it when the job has ended.
    """

    name: str
    status: str
    instance_type: str
    instances: int
    volume_gb: float
    start: datetime | None
    end: datetime | None
    billable_seconds: float | None
    max_runtime_seconds: float

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """The job from DescribeTrainingJob's answer, by boto3 or as Step Functions writes it."""
        resources = answer.get("ResourceConfig", {})
        status = answer.get("TrainingJobStatus", "")
        return cls(
            name=answer["TrainingJobName"],
            status=status,
            instance_type=resources.get("SelectedInstanceType") or resources.get("InstanceType", "unknown"),
            instances=int(resources.get("SelectedInstanceCount") or resources.get("InstanceCount", 1)),
            volume_gb=float(resources.get("VolumeSizeInGB", 0)),
            start=_moment(answer.get("TrainingStartTime")),
            end=_moment(answer.get("TrainingEndTime")),
            billable_seconds=None if status in RUNNING else answer.get("BillableTimeInSeconds"),
            max_runtime_seconds=float(answer.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0)),
        )

    @property
    def running(self) -> bool:
        """Whether it bills now or is about to."""
        return self.status in RUNNING

    def usd_per_hour(self, region: str, price: PriceOf = hourly) -> float:
        """Dollars an hour of all its instances; UnknownPrice if the type has none."""
        return self.instances * training_usd_per_hour(self.instance_type, self.volume_gb, region, price)

    def rate_words(self, region: str, price: PriceOf = hourly) -> str:
        """Instances and price for people: `1 × ml.m5.large at $0.115 an hour + 30 GB volume`."""
        volume = "" if has_local_disks(self.instance_type) else f" + {self.volume_gb:g} GB volume"
        usd, each = price(self.instance_type, region, "training").usd, " each" * (self.instances > 1)
        return f"{self.instances} × {self.instance_type} at ${usd:g} an hour{volume}{each}"

    def billed_seconds(self, now: datetime) -> float:
        """Seconds that AWS bills: its own figure once it gives one, else since the instances came up."""
        if self.billable_seconds is not None:
            return self.billable_seconds
        if self.start is None:
            return 0.0
        return max(0.0, (min(self.end or now, now) - self.start).total_seconds())

    def hours_in(self, month: datetime, now: datetime) -> float:
        """Hours to pay for in the month. A job over the turn of the month is split by its elapsed time."""
        if self.start is None:
            return 0.0
        end = self.end or now
        inside = hours_between(self.start, min(end, now), month)
        if self.billable_seconds is None:
            return inside
        elapsed = (end - self.start) / HOUR
        share = inside / elapsed if elapsed > 0 else float(end >= month)
        return self.billable_seconds / 3600 * share

    def seconds_ahead(self, now: datetime) -> float:
        """The seconds that it can still run until its MaxRuntime; 0 if it has ended."""
        if not self.running:
            return 0.0
        elapsed = (now - self.start).total_seconds() if self.start else 0.0
        return max(0.0, self.max_runtime_seconds - elapsed)


def run_usd(jobs: Iterable[TrainingJob], region: str, now: datetime) -> float:
    """Dollars of a run: all its training jobs, the interrupted spot job before an on-demand one too.

    A type without a price counts at the dearest known, as in the month's sum.
    """
    return sum(job.billed_seconds(now) / 3600 * job.usd_per_hour(region, known_or_dearest) for job in jobs)


def known_or_dearest(instance_type: str, region: str, component: Any) -> Any:
    """The price of the table; for what has none the dearest known, which errs on the safe side."""
    try:
        return hourly(instance_type, region, component)
    except UnknownPrice:
        return dearest(component)


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
