"""Reads AWS's Price List into `prices.json`: each price with the day on which it was read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from core.money import prices
from finexpert.errors import UserError
from finexpert.paths import write_whole

SERVED_FROM = ("us-east-1", "eu-central-1", "ap-south-1")
"""The regions that have the Price List API; each of them knows the prices of all regions."""

COMPONENTS = {
    "training": "Training",
    "hosting": "Hosting",
    "notebook": "Notebook",
    "processing": "Processing",
    "studio": "Studio-Notebook",
}
"""The Price List's names of the components: all those of which admission needs a price."""

RUNS = ("training", "hosting")
"""The components that this project runs. The others only count as other cost: where AWS lists no
price for one of them, the type's price for another use stands in (`core.money.spend`)."""

PER_HOUR = "Hrs"
"""The Price List's unit for an hour of an instance."""

SOURCE, SOURCE_TEXT = "price-list-api", prices.READ_FROM_AWS


class NotOnePrice(LookupError):
    """The Price List has no price, or several, where one is needed; the message names what was found."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One entry of the file: dollars an hour of an instance type for a component in a region."""

    component: str
    region: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Read:
    """A price that was read, with the one that stood in the file before (None: it had none)."""

    wanted: Wanted
    usd: float
    before_usd: float | None


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """The prices that were read and are in the file now, and why the others were not changed."""

    read: list[Read]
    problems: list[str]


def endpoint_region(region: str) -> str:
    """The region whose Price List endpoint has the prices of `region`."""
    return region if region in SERVED_FROM else SERVED_FROM[0]


def refresh(pricing: Any, *, region: str, types: Sequence[str], today: date, file: Path) -> Refreshed:
    """Read prices of `region` and write them into `file`.

    Args:
        pricing: boto3 client of the Price List API.
        types: instance types to price for every use; none: all that the file has for the region.
        today: the day (UTC) that is written with each price.

    Raises:
        UserError: there is nothing to read. AWS's own errors pass.
        core.money.prices.UnknownPrice: what would be written cannot be trusted; the file stays.
    """
    document = json.loads(file.read_text(encoding="utf-8"))
    known = {_key(entry): entry for entry in document["prices"]}
    wanted = [
        Wanted(component=component, region=region, type=type_) for type_ in types for component in COMPONENTS
    ]
    if not types:
        wanted = [each for each in known if each.region == region and each.component in COMPONENTS]
    if not wanted:
        raise UserError(
            f"No instance type has a price in {region} yet, so there is none to read anew.",
            where=file.name,
            fix=f"Name those that you need: finexpert prices refresh ml.g5.2xlarge --region {region}",
        )
    read, problems = [], []
    for each in wanted:
        try:
            usd = on_demand_usd(pricing, each)
        except NotOnePrice as error:
            if each.component in RUNS or each in known:
                problems.append(str(error))
            continue
        before = known.get(each)
        read.append(Read(wanted=each, usd=usd, before_usd=float(before["price"]) if before else None))
    if read:
        _write(file, _merged(document, known, read, today))
    return Refreshed(read=read, problems=problems)


def on_demand_usd(pricing: Any, wanted: Wanted) -> float:
    """The one on-demand price in dollars an hour.

    Raises:
        NotOnePrice: there is none, or more than one.
    """
    filters = {
        "regionCode": wanted.region,
        "instanceName": wanted.type,
        "component": COMPONENTS[wanted.component],
    }
    found = [price for each in products(pricing, "AmazonSageMaker", **filters) for price in rates(each)]
    if len(found) != 1 or found[0][2] != PER_HOUR:
        named = ", ".join(f"{usage} at {price} USD/{unit}" for usage, price, unit in found) or "none"
        raise NotOnePrice(
            f"The Price List should have one on-demand price in USD an hour for {wanted.component} on"
            f" {wanted.type} in {wanted.region}; found: {named}."
        )
    return float(found[0][1])


def products(pricing: Any, service: str, **filters: str) -> list[Mapping[str, Any]]:
    """The Price List's products of a service that have these attributes."""
    terms = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()]
    pages = pricing.get_paginator("get_products").paginate(ServiceCode=service, Filters=terms)
    return [json.loads(product) for page in pages for product in page["PriceList"]]


def rates(product: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(usage type, dollars, unit) of each on-demand price of a product."""
    usage = product["product"]["attributes"].get("usagetype", "a usage type without a name")
    return [
        (usage, rate["pricePerUnit"]["USD"], rate["unit"])
        for term in product["terms"].get("OnDemand", {}).values()
        for rate in term["priceDimensions"].values()
        if "USD" in rate["pricePerUnit"]
    ]


def _key(entry: Mapping[str, Any]) -> Wanted:
    return Wanted(component=entry["component"], region=entry["region"], type=entry["type"])


def _merged(
    document: Mapping[str, Any], known: Mapping[Wanted, Mapping[str, Any]], read: Sequence[Read], today: date
) -> dict[str, Any]:
    """The file's content with the prices that were read; sources that nothing names any more are left out."""
    entries: dict[Wanted, Mapping[str, Any]] = dict(known)
    for each in read:
        entries[each.wanted] = {
            **asdict(each.wanted),
            "unit": "USD/hour",
            "price": each.usd,
            "source": SOURCE,
            "date": today.isoformat(),
        }
    ordered = sorted(entries.values(), key=lambda entry: (entry["component"], entry["region"], entry["type"]))
    named = {entry["source"] for entry in ordered}
    sources = {SOURCE: SOURCE_TEXT, **document["sources"]}
    return {
        "sources": {name: text for name, text in sorted(sources.items()) if name in named},
        "prices": ordered,
    }


def _write(file: Path, document: Mapping[str, Any]) -> None:
    """Replace the file in one step; each price is on its own line, so that a diff can be read."""
    prices.parse(document)
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in document["prices"])
    sources = json.dumps(document["sources"], indent=4, ensure_ascii=False).replace("\n}", "\n  }")
    text = f'{{\n  "sources": {sources},\n  "prices": [\n{lines}\n  ]\n}}\n'
    write_whole(file, text.encode())
