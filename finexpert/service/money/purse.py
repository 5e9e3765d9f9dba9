"""Admits the dollars of paid requests before the first one is sent, and counts what they cost."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Self

from core.admission import planning, reservations
from core.admission.reservations import Reservation
from core.money import requests
from finexpert.errors import UserError
from finexpert.service.deployment import Deployment
from finexpert.service.money import costs
from finexpert.text import usd as dollars

LASTS = timedelta(hours=2)
"""The time that the worst case stays reserved if the program is killed."""
STEP_USD = 0.05
"""Dollars are added to the month's sum each time this much was spent, and at the end."""
ATTEMPTS = 5


class Purse:
    """The month's money for one program's requests; use it in a `with` block around them.

    Args:
        worst_usd: what they may cost at most.
        what: what costs it, such as "benchmark".
        fewer: what a person can do to spend less.

    Raises:
        UserError: on entering, if the worst case does not fit into what is left of the month.
    """

    def __init__(
        self,
        deployment: Deployment,
        worst_usd: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        what: str = "benchmark",
        fewer: str = "Ask fewer questions (--most), leave a contestant out",
    ) -> None:
        self._what, self._fewer = what, fewer
        self._deployment, self._worst, self._clock = deployment, worst_usd, clock
        self._job = f"{what.replace(' ', '-')}-{os.getpid()}-{clock():%Y%m%d%H%M%S}"
        self._unsaid, self._lock = 0.0, Lock()

    def __enter__(self) -> Self:
        self._change_book(self._worst)
        return self

    def __exit__(self, *_: object) -> None:
        self._say(least=0.0)
        self._change_book(None)

    def spent(self, usd: float) -> None:
        """Count the dollars that an answer cost."""
        with self._lock:
            self._unsaid += usd
        self._say(least=STEP_USD)

    def _say(self, least: float) -> None:
        with self._lock:
            usd = self._unsaid if self._unsaid >= least else 0.0
            self._unsaid -= usd
        cloudwatch = self._deployment.target.client("cloudwatch")
        requests.record(cloudwatch, project=self._deployment.settings.prefix, usd=usd, now=self._clock())

    def _change_book(self, usd: float | None) -> None:
        """Reserve dollars if they fit into the month; None gives the reservation back."""
        s3 = self._deployment.target.client("s3")
        bucket = self._deployment.output("Storage", "ArtifactBucketName")
        for _ in range(ATTEMPTS):
            book, now = reservations.read(s3, bucket), self._clock()
            standing = book.standing(self._job, now)
            wanted = list(standing)
            if usd is not None:
                self._refuse_beyond_the_month(standing, usd, now)
                wanted.append(Reservation(job=self._job, usd=usd, usd_per_hour=0.0, until=now + LASTS))
            if reservations.write(s3, bucket, book, wanted):
                return
        if usd is not None:
            raise UserError(
                "Other runs were being admitted at the same moment, several times.", fix="Start it again."
            )

    def _refuse_beyond_the_month(self, standing: list[Reservation], usd: float, now: datetime) -> None:
        try:
            spend = costs.month_to_date(self._deployment, now=now)
            money = planning.money(self._deployment.settings.budget, spend, standing)
        except planning.SpendUnknown as error:
            raise UserError(str(error), fix="finexpert costs") from None
        left = money.available_usd(0.0)
        if usd > left:
            raise UserError(
                f"The {self._what} may cost {dollars(usd)}, and the month has {dollars(max(0.0, left))} left"
                f" ({dollars(money.budget_usd)} budget, {dollars(money.spent_usd)} spent,"
                f" {dollars(money.committed_usd)} promised to runs).",
                fix=f"{self._fewer}, or raise the budget and deploy.",
            )
