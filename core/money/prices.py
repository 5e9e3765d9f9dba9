"""AWS's prices, from `prices.json`: each with its source and the day it was read.

A price that is not in the file does not exist here: `UnknownPrice` is raised, and nothing counts as free.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core import Explained
from core.instances import has_local_disks

Component = Literal["training", "hosting", "notebook", "processing", "studio"]
Storage = Literal["s3-standard", "ml-volume"]

UNITS = ("USD/hour", "USD/GB-month")
"""Other currencies and units are not understood, so a file that has them is refused."""

HOURS_PER_MONTH = 730.0
"""AWS bills a GB-month over the hours of the month; 730 is its mean."""

READ_FROM_AWS = "AWS Price List API, GetProducts of AmazonSageMaker"
"""The source of prices that `finexpert prices refresh` has read."""

PRICES_FILE = Path(__file__).with_name("prices.json")


class UnknownPrice(Explained, LookupError):
    """The file lacks a price that is needed, or cannot be read, so nothing that needs it may be started."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """One price: `usd` for one `unit` of `type` (an instance type or a kind of storage) in `region`."""

    usd: float
    unit: str
    component: str
    region: str
    type: str
    source: str
    date: date

    def age_days(self, now: datetime) -> int:
        """Whole days from the day the price was read to `now` (UTC-aware); never negative."""
        return max(0, (now.astimezone(UTC).date() - self.date).days)

    def __str__(self) -> str:
        per = self.unit.removeprefix("USD/")
        return f"${self.usd:g} per {per} ({self.type}, {self.region}, read {self.date})"


def hourly(instance_type: str, region: str, component: Component) -> Price:
    """The on-demand price of one instance for one hour.

    Raises:
        UnknownPrice: no price for that component in that region; the message names the types that have one.
    """
    price = _table().get((component, region, instance_type))
    if price is not None:
        return price
    known = priced_types(region, component)
    raise UnknownPrice(
        f"No price is known for {component} on {instance_type} in {region}. "
        + (
            f"Priced there: {', '.join(known)}."
            if known
            else f"Regions with prices: {', '.join(priced_regions(component)) or 'none yet'}."
        )
        + f" To use another, read its price from AWS into {PRICES_FILE.name} and deploy:"
        f" finexpert prices refresh {instance_type} --region {region} --on aws"
    )


PriceOf = Callable[[str, str, Component], Price]
"""A price list: instance type, region and component give a price, or raise UnknownPrice."""


def per_hour(usd: float) -> str:
    """A price an hour with all its digits, two to four: `$1.515/h`, as the page writes it too."""
    text = f"{usd:,.4f}"
    return f"${text[:-2]}{text[-2:].rstrip('0')}/h"


def dearest(component: Component) -> Price:
    """The highest hourly price known for the component anywhere: what something unpriced is counted at.

    Raises:
        UnknownPrice: the file has none, or cannot be trusted.
    """
    known = [price for (of, _, _), price in _table().items() if of == component]
    if not known:
        raise UnknownPrice(f"No price is known for {component}.")
    return max(known, key=lambda price: price.usd)


def problem() -> str:
    """The reason why the file cannot be used at all; empty if it can."""
    try:
        _table()
    except UnknownPrice as torn:
        return str(torn)
    return ""


def storage(kind: Storage, region: str) -> Price:
    """The price of one GB for a month.

    A region that is not listed gets the highest price known for the kind: storage is cents beside instance
    hours, so it is better counted a little too dear than a reason to refuse.

    Raises:
        UnknownPrice: the file knows the kind nowhere.
    """
    price = _table().get(("storage", region, kind))
    if price is not None:
        return price
    known = [candidate for candidate in _table().values() if candidate.type == kind]
    if not known:
        raise UnknownPrice(f"No price is known for storage of kind {kind}; add it to {PRICES_FILE.name}.")
    highest = max(known, key=lambda candidate: candidate.usd)
    source = f"highest price known, of {highest.region}: {highest.source}"
    return replace(highest, region=region, source=source)


def training_usd_per_hour(
    instance_type: str, volume_gb: float, region: str, price: PriceOf = hourly
) -> float:
    """Dollars an hour of one training instance, with its volume where the type has no own disks.

    Raises:
        UnknownPrice: the type has no price.
    """
    volume = 0.0
    if volume_gb and not has_local_disks(instance_type):
        volume = storage("ml-volume", region).usd * volume_gb / HOURS_PER_MONTH
    return price(instance_type, region, "training").usd + volume


def priced_types(region: str, component: Component) -> list[str]:
    """The instance types with a price, cheapest first."""
    found = [price for (of, where, _), price in _table().items() if of == component and where == region]
    return [price.type for price in sorted(found, key=lambda price: (price.usd, price.type))]


def priced_regions(component: Component) -> list[str]:
    """The regions in which any instance type has a price, by name."""
    return sorted({where for of, where, _ in _table() if of == component})


def parse(document: Mapping[str, Any]) -> dict[tuple[str, str, str], Price]:
    """Read the file's content into prices by (component, region, type).

    Raises:
        UnknownPrice: an entry is torn: a field is missing, a price is not above zero, a unit is not of
            `UNITS`, a source is not listed, or an entry stands twice.
    """
    table: dict[tuple[str, str, str], Price] = {}
    try:
        for entry in document["prices"]:
            price = Price(
                usd=float(entry["price"]),
                unit=entry["unit"],
                component=entry["component"],
                region=entry["region"],
                type=entry["type"],
                source=document["sources"][entry["source"]],
                date=date.fromisoformat(entry["date"]),
            )
            key = (price.component, price.region, price.type)
            if not 0 < price.usd < 1000 or key in table:
                raise ValueError(f"the price of {key} is out of range or stands twice")
            if price.unit not in UNITS:
                raise ValueError(f"the price of {key} is in {price.unit}, not in {' or '.join(UNITS)}")
            table[key] = price
    except (KeyError, TypeError, ValueError) as torn:
        raise UnknownPrice(f"The price file cannot be trusted, so nothing is priced: {torn!r}") from torn
    return table


@cache
def _table() -> dict[tuple[str, str, str], Price]:
    try:
        document = json.loads(PRICES_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError) as unreadable:
        raise UnknownPrice(f"The price file {PRICES_FILE.name} cannot be read: {unreadable}") from unreadable
    return parse(document)
