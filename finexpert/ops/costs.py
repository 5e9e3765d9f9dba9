"""The month so far, from what really ran: the same sums that the spend guard makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from finexpert.deployment import Deployment
from finexpert.target import Target
from lambdas.shared import prices, spend_charges, spend_sources
from lambdas.shared.spend import Spend


@dataclass(frozen=True)
class _Clients:
    """A target's clients as the spend guard's code asks for them."""

    target: Target
    calls: int = 0

    def __call__(self, service: str) -> Any:
        return self.target.client(service)


def month_to_date(deployment: Deployment, *, now: datetime) -> Spend:
    """What the project cost since the month began (on the embedded cloud: would have cost on AWS)."""
    return spend_sources.month_to_date(
        _Clients(deployment.target),
        project=deployment.settings.prefix,
        hosting_stack=deployment.names.stack("Hosting"),
        region=deployment.settings.region,
        now=now,
        billing=lambda: deployment.target.session().client(
            "cloudwatch",
            region_name=spend_charges.BILLING_REGION,
            endpoint_url=deployment.target.endpoint_url,
        ),
    )


def training_usd_per_hour(deployment: Deployment) -> float:
    """Price of the configured training instances together.

    Raises:
        lambdas.shared.prices.UnknownPrice: the table has none for them.
    """
    settings = deployment.settings
    price = prices.hourly(settings.training_instance_type, settings.region, "training")
    return price.usd * settings.training_instance_count


def hosting_usd_per_hour(deployment: Deployment) -> float:
    """Price of the endpoint's instance.

    Raises:
        lambdas.shared.prices.UnknownPrice: the table has none for it.
    """
    settings = deployment.settings
    return prices.hourly(settings.hosting_instance_type, settings.region, "hosting").usd
