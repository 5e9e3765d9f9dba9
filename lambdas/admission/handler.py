"""Lets a training job start only if its worst case fits the month's budget (step 2 of the state machine)."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from core.admission import planning, reservations
from core.admission.decision import Admission, decide
from core.admission.planning import JobSettings, SpendUnknown
from core.admission.reservations import LASTS, Book, Reservation
from core.aws.calls import AwsClients, Clients, error_text, region_from
from core.environment import Variables
from core.money.settings import BudgetSettings
from core.money.sources import billing_client, month_to_date
from core.money.spend import Spend

#: How often one admission tries against others that are made at the same moment.
ATTEMPTS = 10


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The function's settings."""

    budget: BudgetSettings
    job: JobSettings
    bucket: str

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Settings:
        """Read from environment variables; ConfigurationError names all that cannot be used."""
        variables = Variables(environ)
        settings = cls(
            budget=BudgetSettings.read(variables),
            job=JobSettings(
                region=region_from(environ),
                instance_type=variables.text("TRAINING_INSTANCE_TYPE", "ml.g5.2xlarge"),
                instances=int(variables.number("TRAINING_INSTANCE_COUNT", 1, low=1)),
                volume_gb=variables.number("VOLUME_GB", 100, low=1),
                max_runtime_seconds=int(variables.number("MAX_RUNTIME_SECONDS", 7200, low=60)),
                max_wait_seconds=int(variables.number("MAX_WAIT_SECONDS", 14400, low=60)),
            ),
            bucket=variables.needed("ARTIFACT_BUCKET", "the bucket that keeps the reservations"),
        )
        variables.check()
        return settings


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, Any]:
    """Event {job, spot, dataset: validate_dataset's answer}; answer see `Admission`.

    Raises BudgetExceeded, UnknownPrice, SpendUnknown: none of them lets the job start.
    """
    settings = Settings.load(os.environ)
    clients = AwsClients(settings.job.region)

    def spend(now: datetime) -> Spend:
        return month_to_date(
            clients,
            project=settings.budget.project,
            hosting_stack=settings.budget.hosting_stack,
            region=settings.job.region,
            now=now,
            billing=billing_client,
        )

    return asdict(admit(event, settings, clients, spend, clock=lambda: datetime.now(UTC)))


def admit(
    event: Mapping[str, Any],
    settings: Settings,
    clients: Clients,
    spend: Callable[[datetime], Spend],
    *,
    clock: Callable[[], datetime],
    pause: Callable[[float], None] = time.sleep,
) -> Admission:
    """Decide, and reserve the worst case in the same step; who comes second decides anew.

    The reservations are read before the jobs: a job that has appeared in between counts twice for a moment,
    never not at all.
    """
    dataset = event.get("dataset") or {}
    epochs = float((dataset.get("hyperparameters") or {}).get("epoch", 1))
    request = planning.request(
        settings.job,
        spot=bool(event.get("spot")),
        training_tokens=float(dataset.get("tokens_estimated", 0)) * epochs,
    )
    job = str(event["job"])
    for attempt in range(ATTEMPTS):
        book = _book(clients, settings.bucket)
        now = clock()
        standing = book.standing(job, now)
        admission = decide(request, planning.money(settings.budget, spend(now), standing))
        mine = Reservation(
            job=job, usd=admission.worst_case_usd, usd_per_hour=admission.usd_per_hour, until=now + LASTS
        )
        if _reserve(clients, settings.bucket, book, [*standing, mine]):
            return admission
        pause(random.uniform(0, 0.2 * 2**attempt))
    raise SpendUnknown(
        f"{ATTEMPTS} times another run was being admitted at the same moment; start this one again."
    )


def _book(clients: Clients, bucket: str) -> Book:
    try:
        return reservations.read(clients("s3"), bucket)
    except Exception as error:
        raise SpendUnknown(f"What other runs have reserved cannot be read: {error_text(error)}") from error


def _reserve(clients: Clients, bucket: str, book: Book, wanted: list[Reservation]) -> bool:
    try:
        return reservations.write(clients("s3"), bucket, book, wanted)
    except Exception as error:
        raise SpendUnknown(f"The job's money cannot be reserved: {error_text(error)}") from error
