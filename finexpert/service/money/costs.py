"""The month so far, from what really ran: the same sums that the spend guard makes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.guard import published
from core.guard.position import GuardMemory, Position, stand
from core.money import prices
from core.money import sources as spend_sources
from core.money.spend import Line, Spend
from core.names import BILLING_REGION, METRIC_NAMESPACE
from finexpert.errors import NotDeployed
from finexpert.service.deployment import Deployment, require_deployed


def month_to_date(deployment: Deployment, *, now: datetime) -> Spend:
    """The project's cost since the month began (on the embedded cloud: what it would have cost on AWS)."""
    return spend_sources.month_to_date(
        deployment.target.client,
        deployment.settings.budget,
        region=deployment.settings.region,
        now=now,
        billing=lambda: deployment.target.client("cloudwatch", BILLING_REGION),
    )


def absence(deployment: Deployment) -> NotDeployed | None:
    """The error that says that the app is not deployed here; None where it is."""
    try:
        require_deployed(deployment)
    except NotDeployed as absent:
        return absent
    return None


def position(deployment: Deployment, spend: Spend) -> Position:
    """The month as the spend guard counts it: its limit, and the hours left to it."""
    return stand(spend, GuardMemory(), deployment.settings.budget, spend.now)


def current_position(deployment: Deployment, now: datetime) -> Position:
    """The position of the month now."""
    return position(deployment, month_to_date(deployment, now=now))


LONGEST_KEEP_HOURS = 8.0
"""Hours that an endpoint is kept where no number is given: a working day."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """The cost `usd` of keeping an idle endpoint for `hours`; `left_usd` is left to the limit of the month,
    which is reached after `hours_to_limit`."""

    hours: float
    usd: float
    left_usd: float
    hours_to_limit: float

    @property
    def stopped(self) -> bool:
        """Whether the spend guard stops it before its time."""
        return self.hours_to_limit < self.hours


def keep(position: Position, usd_per_hour: float, hours: float | None) -> Keep:
    """The cost of keeping an endpoint: without `hours` as long as the budget bears, at most a working day."""
    left = max(0.0, position.limit_usd - position.spent_usd)
    to_limit = left / max(position.burn_usd_per_hour, usd_per_hour)
    chosen = min(LONGEST_KEEP_HOURS, to_limit) if hours is None else hours
    return Keep(hours=chosen, usd=chosen * usd_per_hour, left_usd=left, hours_to_limit=to_limit)


def document(
    deployment: Deployment, spend: Spend, now: datetime, titles: Mapping[str, str]
) -> dict[str, Any]:
    """The month for programs: its lines, sums, limit and the prices behind them.

    Args:
        titles: what people call the runs, by their ids.

    Raises:
        core.money.prices.UnknownPrice: a configured instance has none.
    """
    stands = position(deployment, spend)
    return {
        **asdict(spend),
        "lines": [
            {**vars(line), "how": line.how(), "title": titles.get(run_of(line), "")} for line in spend.lines
        ],
        "total_usd": spend.total_usd,
        "burn_usd_per_hour": spend.burn_usd_per_hour,
        "projected_usd": spend.projected_usd,
        "budget_usd": deployment.settings.budget_usd,
        "limit_usd": stands.limit_usd,
        "hours_to_limit": stands.hours_to_limit,
        "prices": [
            {**asdict(price), "age_days": price.age_days(now)} for price in configured_prices(deployment)
        ],
    }


def run_of(line: Line) -> str:
    """The id of the run that a line's training job belongs to; of other lines, their name."""
    return line.name.removesuffix("-od")


def history(deployment: Deployment, now: datetime) -> list[tuple[datetime, float]]:
    """The month so far, from the spend guard's metrics: (time, dollars spent by then), oldest first."""
    return published.spent_so_far(
        deployment.target.client("cloudwatch"),
        namespace=METRIC_NAMESPACE,
        project=deployment.settings.prefix,
        now=now,
    )


def configured_prices(deployment: Deployment) -> list[prices.Price]:
    """The prices of the instances that training and endpoint run on.

    Raises:
        core.money.prices.UnknownPrice: one of them has none.
    """
    settings = deployment.settings
    return [
        prices.hourly(settings.training_instance_type, settings.region, "training"),
        prices.hourly(settings.hosting_instance_type, settings.region, "hosting"),
    ]


def training_usd_per_hour(deployment: Deployment) -> float:
    """Price of the configured training instances together, with their volumes where the type has them.

    Raises:
        core.money.prices.UnknownPrice: the table has none for them.
    """
    settings = deployment.settings
    each = prices.training_usd_per_hour(settings.training_instance_type, settings.volume_gb, settings.region)
    return each * settings.training_instance_count


def hosting_usd_per_hour(deployment: Deployment) -> float:
    """Price of the endpoint's instance.

    Raises:
        core.money.prices.UnknownPrice: the table has none for it.
    """
    settings = deployment.settings
    return prices.hourly(settings.hosting_instance_type, settings.region, "hosting").usd
