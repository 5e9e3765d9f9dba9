"""AWS's Price List in memory, in the shapes of GetProducts."""

import json
from collections.abc import Callable
from typing import Any, Self


def product(usage: str, *dollars: str, unit: str = "Hrs", term: str = "OnDemand", **named: str) -> str:
    """A product as JSON text, with a rate for each price; terms and rates stand by codes."""
    rates = {
        f"SKU.TERM.{number}": {
            "rateCode": f"SKU.TERM.{number}",
            "unit": unit,
            "beginRange": "0",
            "endRange": "Inf",
            "description": f"${usd} per {usage}",
            "appliesTo": [],
            "pricePerUnit": {"USD": usd},
        }
        for number, usd in enumerate(dollars)
    }
    attributes = {"usagetype": usage, "regionCode": "us-east-1", **named}
    terms = {term: {"SKU.TERM": {"sku": "SKU", "priceDimensions": rates}}}
    return json.dumps({"product": {"attributes": attributes, "sku": "SKU"}, "terms": terms})


class PriceList:
    """Answers a request with what `find` has for its service and filters, on two pages."""

    def __init__(self, find: Callable[[str, dict[str, str]], list[str]]) -> None:
        self.find = find
        self.asked: list[dict[str, str]] = []

    def get_paginator(self, operation: str) -> Self:
        assert operation == "get_products"
        return self

    def paginate(self, *, ServiceCode: str, Filters: list[dict[str, str]]) -> list[dict[str, Any]]:
        assert {each["Type"] for each in Filters} == {"TERM_MATCH"}
        self.asked.append({each["Field"]: each["Value"] for each in Filters})
        found = self.find(ServiceCode, self.asked[-1])
        return [{"PriceList": found[:1]}, {"PriceList": found[1:]}]
