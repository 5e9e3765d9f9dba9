"""Reads the instances of an endpoint configuration, as the API, a template or CloudTrail spells it. Pure."""

from collections.abc import Mapping
from typing import Any

from core.money.spend import Fleet

SERVERLESS = "serverless with provisioned concurrency"


def fleets_of(config: Mapping[str, Any], running: Mapping[str, Any] | None = None) -> tuple[Fleet, ...]:
    """The instances of a configuration's variants; none for what bills by the request alone.

    Where the configuration does not name a type (a pool of types, a reference in a template), there is none.

    Args:
        config: an endpoint configuration; DescribeEndpoint's answer where that is gone.
        running: DescribeEndpoint's answer, which has the instances that run now.
    """
    now = {_text(variant, "variantname"): variant for variant in _variants(running or {})}
    fleets: list[Fleet] = []
    for variant in _variants(config):
        found = now.get(_text(variant, "variantname"), {})
        serverless = variant.get("serverlessconfig") or variant.get("currentserverlessconfig")
        if serverless is not None:
            provisioned = lower(serverless).get("provisionedconcurrency")
            fleets += [Fleet(instance_type=SERVERLESS)] if provisioned else []
        elif found.get("instancepools"):
            for pool in map(lower, found["instancepools"]):
                type_, instances = _text(pool, "instancetype"), int(pool.get("currentinstancecount", 1))
                fleets.append(Fleet(instance_type=type_, instances=instances))
        else:
            kind = variant.get("instancetype")
            count = found.get("currentinstancecount")
            if count is None:  # not reported while it is being created: take what was ordered
                failed = (running or {}).get("EndpointStatus") == "Failed"
                count = 0 if failed else variant.get("initialinstancecount", 1)
            fleets.append(Fleet(instance_type=kind if isinstance(kind, str) else "", instances=int(count)))
    return tuple(fleets)


def _variants(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = lower(config)
    keys = ("productionvariants", "shadowproductionvariants")
    return [lower(variant) for key in keys for variant in given.get(key) or []]


def lower(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """CloudTrail writes `endpointName` where the API has `EndpointName`."""
    return {key.lower(): value for key, value in mapping.items()}


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key, "")
    return value if isinstance(value, str) else ""
