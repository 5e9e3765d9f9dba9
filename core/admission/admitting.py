"""Admits a training job: reads what the month has cost, decides, and reserves the worst case in one step."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from core.admission import planning, reservations
from core.admission.decision import Admission, decide
from core.admission.planning import JobSettings, SpendUnknown
from core.admission.reservations import LASTS, Reservation
from core.aws.calls import Clients, region_from
from core.aws.errors import error_text
from core.environment import Variables
from core.money.settings import BudgetSettings
from core.money.spend import Spend

#: Attempts of one admission while others are made at the same moment.
ATTEMPTS = 10


@dataclass(frozen=True, kw_only=True)
class AdmissionSettings:
    """Settings of the function `admission`, from its environment variables."""

    budget: BudgetSettings
    job: JobSettings
    bucket: str

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read from environment variables; ConfigurationError names all that cannot be used."""
        variables = Variables(environ)
        settings = cls(
            budget=BudgetSettings.read(variables),
            job=JobSettings(
                region=region_from(environ),
                instance_type=variables.needed("TRAINING_INSTANCE_TYPE", "the type to train on"),
                instances=variables.whole("TRAINING_INSTANCE_COUNT", low=1),
                volume_gb=variables.number("VOLUME_GB", low=1),
                max_runtime_seconds=variables.whole("MAX_RUNTIME_SECONDS", low=60),
                max_wait_seconds=variables.whole("MAX_WAIT_SECONDS", low=60),
            ),
            bucket=variables.needed("ARTIFACT_BUCKET", "the bucket that keeps the reservations"),
        )
        variables.check()
        return settings


def admit(
    event: Mapping[str, Any],
    settings: AdmissionSettings,
    clients: Clients,
    spend: Callable[[datetime], Spend],
    *,
    clock: Callable[[], datetime],
    pause: Callable[[float], None] = time.sleep,
) -> Admission:
    """Decide and reserve the worst case; if another admission wrote in between, read all and decide again.

    The reservations are read before the jobs: a job that has appeared in between counts twice for a moment,
    never not at all.
    """
    dataset = event.get("dataset") or {}
    request = planning.request(
        settings.job, spot=bool(event.get("spot")), training_tokens=float(dataset.get("trained_tokens", 0))
    )
    job = str(event["job"])
    for attempt in range(ATTEMPTS):
        with _known("What other runs have reserved cannot be read"):
            book = reservations.read(clients("s3"), settings.bucket)
        now = clock()
        standing = book.standing(job, now)
        admission = decide(request, planning.money(settings.budget, spend(now), standing))
        mine = Reservation(
            job=job, usd=admission.worst_case_usd, usd_per_hour=admission.usd_per_hour, until=now + LASTS
        )
        with _known("The job's money cannot be reserved"):
            if reservations.write(clients("s3"), settings.bucket, book, [*standing, mine]):
                return admission
        pause(random.uniform(0, 0.2 * 2**attempt))
    raise SpendUnknown(
        f"{ATTEMPTS} times another run was being admitted at the same moment; start this one again."
    )


@contextmanager
def _known(otherwise: str) -> Iterator[None]:
    """Any error inside is SpendUnknown, which says so in these words."""
    try:
        yield
    except Exception as error:
        raise SpendUnknown(f"{otherwise}: {error_text(error)}") from error
