"""Reads AWS's Price List into the benchmark's `prices.json`: dollars per million tokens of Bedrock's models.

Bedrock's prices are under two service codes: AmazonBedrock names a `model` and counts thousands of tokens,
AmazonBedrockFoundationModels names a `servicename` and counts millions. Batch, cached and custom tokens have
their own usage types there and are not read. A request that stays in a region or a geography costs a tenth
more than one that may go to any region, for models that offer both (archestra-ai/archestra#6912).
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from finexpert.paths import write_whole
from finexpert.service.benchmark.contestants import PROFILE
from finexpert.service.money.price_list import products, rates

PRICES_FILE = Path(__file__).with_name("prices.json")
SOURCE = "AWS Price List API, GetProducts"
SERVICES = {
    "AmazonBedrock": re.compile(
        r"[A-Z0-9]+-[\w.-]+-(?P<way>input|output)-tokens(?P<anywhere>-cross-region-global)?", re.ASCII
    ),
    "AmazonBedrockFoundationModels": re.compile(
        r"[A-Z0-9]+-MP:[A-Z0-9]+_(?P<way>Input|Output)TokenCount(?P<anywhere>_Global)?-Units"
    ),
}
SURCHARGE = Decimal("1.1")
"""A price within a region or a geography, where the list has that of requests to any region alone."""
PER_MILLION = {"1K tokens": 1000, "1M tokens": 1, "Units": 1}
_VERSION = re.compile(r"(?:-\d{8})?(?:-v\d+)?(?::\d+)*$")


def refresh(
    pricing: Any, *, region: str, models: Sequence[str], today: date, file: Path = PRICES_FILE
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Read the models' prices in a region and write them into `file`; those read, and why others were not.

    Only a price that is the only one of its kind is taken.

    Args:
        pricing: boto3 client of the Price List API.
        models: Bedrock's identifiers; none: all that the file has.
    """
    document = json.loads(file.read_text(encoding="utf-8"))
    wanted = [PROFILE.sub("", model, count=1) for model in models] or list(document["models"])
    found_products = [
        (service, each) for service in SERVICES for each in products(pricing, service, regionCode=region)
    ]
    read: dict[str, dict[str, Any]] = {}
    problems = []
    for model in wanted:
        found: dict[str, set[Decimal]] = {"input": set(), "output": set()}
        anywhere: dict[str, set[Decimal]] = {"input": set(), "output": set()}
        for service, product in found_products:
            if _is_of(product["product"]["attributes"], model):
                for way, usd, is_anywhere in _prices(service, product):
                    (anywhere if is_anywhere else found)[way].add(usd)
        if not any(found.values()):
            found = {way: {usd * SURCHARGE for usd in each} for way, each in anywhere.items()}
        if all(len(each) == 1 for each in found.values()):
            read[model] = _row(found)
            if all(len(each) == 1 for each in anywhere.values()):
                read[model]["global"] = _row(anywhere)
        else:
            counts = " and ".join(f"{len(each)} for {way}" for way, each in found.items())
            problems.append(
                f"{model} in {region} should have one price for each way of tokens; found {counts}"
            )
    more = {"region": region, "date": today.isoformat(), "source": SOURCE}
    document["models"] |= {model: {**prices, **more} for model, prices in read.items()}
    if read:
        _write(file, document)
    return read, problems


def _is_of(attributes: Mapping[str, str], model: str) -> bool:
    """Whether a product is a model's: its name, without signs, is the identifier's."""
    named = attributes.get("model") or attributes.get("servicename", "").partition(" (Amazon Bedrock")[0]
    plain = _plain(_VERSION.sub("", model.partition(".")[2]))
    return bool(named) and plain in (_plain(named), f"{_plain(named)}instruct")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _row(found: Mapping[str, set[Decimal]]) -> dict[str, Any]:
    return {way: float(usd) for way, (usd,) in found.items()}


def _prices(service: str, product: Mapping[str, Any]) -> list[tuple[str, Decimal, bool]]:
    return [
        (match["way"].lower(), Decimal(usd) * PER_MILLION[unit], bool(match["anywhere"]))
        for usage, usd, unit in rates(product)
        if unit in PER_MILLION and (match := SERVICES[service].fullmatch(usage))
    ]


def _write(file: Path, document: Mapping[str, Any]) -> None:
    """Replace the file in one step; each model is on its own line, so that a diff can be read."""
    head = {key: value for key, value in document.items() if key != "models"}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in document["models"].items())
    text = (
        json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
        + f',\n "models": {{\n{lines}\n }}\n}}\n'
    )
    write_whole(file, text.encode())
