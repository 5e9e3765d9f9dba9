"""Endpoints: made of a configuration, changed to another one and back again if that fails, removed."""

import time
from functools import partial
from typing import Any

from localcloud import platform
from localcloud.protocol import not_emulated, validation
from localcloud.sagemaker import catalog, hosting, interfaces, store, telemetry
from localcloud.sagemaker.hosting import Fleet, Placement, StartFailed
from localcloud.sagemaker.models import container_of
from localcloud.sagemaker.options import options
from localcloud.sagemaker.store import Record


def create(params: dict[str, Any]) -> dict[str, Any]:
    """Accept an endpoint and bring it into service in the background."""
    config = dict(store.find(store.ENDPOINT_CONFIG, params["EndpointConfigName"]))
    variants = [_variant_summary(variant) for variant in config["ProductionVariants"]]
    record = store.add(store.ENDPOINT, params, EndpointStatus="Creating", ProductionVariants=variants)
    platform.spawn(_bring_up, record, config, name=f"endpoint-{record['EndpointName']}")
    return {"EndpointArn": record["EndpointArn"]}


def update(params: dict[str, Any]) -> dict[str, Any]:
    """Move an endpoint to another configuration; the old one serves until the new one does."""
    if params.get("RetainAllVariantProperties"):
        raise not_emulated("RetainAllVariantProperties", "Give counts and weights in the configuration.")
    with store.lock:
        record = catalog.changeable(store.ENDPOINT, params["EndpointName"])
        config = dict(store.find(store.ENDPOINT_CONFIG, params["EndpointConfigName"]))
        if is_for_components(config) != is_for_components(_config_of(record)):
            raise validation(
                "An endpoint cannot change between hosting models and hosting inference components."
            )
        store.change(record, EndpointStatus="Updating", FailureReason=None)
    platform.spawn(_move, record, config, name=f"endpoint-{record['EndpointName']}")
    return {"EndpointArn": record["EndpointArn"]}


def update_weights_and_capacities(params: dict[str, Any]) -> dict[str, Any]:
    """Change variants' shares of the traffic and how many instances they have."""
    wanted = {row["VariantName"]: row for row in params["DesiredWeightsAndCapacities"]}
    with store.lock:
        record = catalog.changeable(store.ENDPOINT, params["EndpointName"])
        unknown = sorted(set(wanted) - {variant["VariantName"] for variant in record["ProductionVariants"]})
        if unknown:
            raise validation(f'Could not find variant(s) {unknown} of endpoint "{record["EndpointArn"]}".')
        store.change(record, EndpointStatus="Updating", FailureReason=None)
    platform.spawn(_rescale, record, wanted, name=f"endpoint-{record['EndpointName']}")
    return {"EndpointArn": record["EndpointArn"]}


def delete(params: dict[str, Any]) -> dict[str, Any]:
    """Remove an endpoint. It is gone from the lists once its instances are.

    Raises:
        ApiError: while it is being made or changed, and while it hosts inference components.
    """
    with store.lock:
        record = store.find(store.ENDPOINT, params["EndpointName"])
        catalog.refuse_in_progress(store.ENDPOINT, record)
        hosted = [
            row["InferenceComponentName"]
            for row in store.table(store.INFERENCE_COMPONENT).values()
            if row["EndpointName"] == record["EndpointName"]
        ]
        if hosted:  # AWS's exact words are not documented
            raise validation(
                f'Cannot delete endpoint "{record["EndpointArn"]}" because it hosts inference components: '
                f"{', '.join(sorted(hosted))}. Delete them first."
            )
        store.change(record, EndpointStatus="Deleting")
    platform.spawn(_take_down, record, name=f"endpoint-{record['EndpointName']}")
    return {}


def is_for_components(config: Record) -> bool:
    """Whether a configuration leaves the models to inference components."""
    return not config["ProductionVariants"][0].get("ModelName")


def execution_role(endpoint: Record) -> str:
    """The role under which an endpoint for components fetches what they bring."""
    role: str = endpoint["_Config"]["ExecutionRoleArn"]
    return role


def fleet_key(endpoint: Record, variant_name: str) -> str:
    """The key of a variant's fleet in `hosting.fleets`."""
    return f"{endpoint['EndpointArn']}/{variant_name}"


def shutdown() -> None:
    """Kill everything that answers, components' containers too."""
    running = list(hosting.fleets.values())
    hosting.fleets.clear()
    for fleet in running:
        fleet.stop(0.0)


# ---- in the background -------------------------------------------------------------------------------------


def _bring_up(record: Record, config: Record) -> None:
    telemetry.state_event(store.ENDPOINT, dict(record))
    store.change(record, _Interface=interfaces.attach(_vpc_config(config), record["EndpointArn"]))
    time.sleep(platform.provision_seconds())
    try:
        started = _start_fleets(record, config)
    except Exception as error:
        _enter(record, "Failed", FailureReason=hosting.failure_reason(error))
        return
    hosting.fleets.update(started)
    _enter(record, "InService", **_serving(config))
    _watch(record)


def _watch(endpoint: Record) -> None:
    """Do the work of AWS's agents on the instances until the endpoint is gone: follow logs, restart what has
    ended, count requests. One thread an endpoint."""
    next_concurrency = time.monotonic()
    name = endpoint["EndpointName"]
    while store.table(store.ENDPOINT).get(name) is endpoint:
        fleets = [fleet for fleet in list(hosting.fleets.values()) if fleet.placement.endpoint_name == name]
        for fleet in fleets:
            fleet.tend()
        now = time.monotonic()
        if now >= next_concurrency:
            next_concurrency = now + options.concurrency_period
            for fleet in fleets:
                if fleet.in_flight:
                    telemetry.put_concurrency(fleet.placement.dimensions, fleet.in_flight, len(fleet.copies))
        time.sleep(options.look)


def _move(record: Record, config: Record) -> None:
    telemetry.state_event(store.ENDPOINT, dict(record))
    time.sleep(platform.provision_seconds())
    try:
        started = _start_fleets(record, config)
    except Exception as error:
        _enter(record, "RollingBack")
        _enter(record, "InService", FailureReason=hosting.failure_reason(error))
        return
    old = _fleets_of(record)
    for key in old:
        hosting.fleets.pop(key, None)
    hosting.fleets.update(started)
    _enter(record, "InService", EndpointConfigName=config["EndpointConfigName"], **_serving(config))
    for fleet in old.values():
        fleet.stop(options.endpoint_grace)


def _rescale(record: Record, wanted: dict[str, Record]) -> None:
    telemetry.state_event(store.ENDPOINT, dict(record))
    variants = [dict(variant) for variant in record["ProductionVariants"]]
    reason = None
    try:
        for variant in variants:
            asked = wanted.get(variant["VariantName"], {})
            if "DesiredWeight" in asked:
                variant["CurrentWeight"] = variant["DesiredWeight"] = asked["DesiredWeight"]
            if "DesiredInstanceCount" in asked:
                fleet = hosting.fleets.get(fleet_key(record, variant["VariantName"]))
                if fleet:
                    fleet.scale(asked["DesiredInstanceCount"])
                variant["CurrentInstanceCount"] = variant["DesiredInstanceCount"] = asked[
                    "DesiredInstanceCount"
                ]
    except Exception as error:
        reason = hosting.failure_reason(error)
        _enter(record, "RollingBack")
    _enter(record, "InService", ProductionVariants=variants, FailureReason=reason)


def _take_down(record: Record) -> None:
    telemetry.state_event(store.ENDPOINT, dict(record))
    for key, fleet in _fleets_of(record).items():
        hosting.fleets.pop(key, None)
        fleet.stop(options.endpoint_grace)
    time.sleep(platform.provision_seconds())
    interfaces.release(record.get("_Interface", ""))
    store.remove(store.ENDPOINT, record["EndpointName"])


def _vpc_config(config: Record) -> Record | None:
    """An endpoint's network, from its configuration, or from the model of its first variant."""
    model = store.table(store.MODEL).get(config["ProductionVariants"][0].get("ModelName", ""), {})
    found: Record | None = config.get("VpcConfig") or model.get("VpcConfig")
    return found


def _start_fleets(record: Record, config: Record) -> dict[str, Fleet]:
    started: dict[str, Fleet] = {}
    try:
        for variant in config["ProductionVariants"]:
            if not variant.get("ModelName"):
                continue
            model = store.table(store.MODEL).get(variant["ModelName"])
            if model is None:
                raise StartFailed(f"Model {variant['ModelName']} no longer exists.")
            fleet = Fleet(
                Placement(record["EndpointName"], variant["VariantName"]),
                container_of(model),
                model["ExecutionRoleArn"],
                variant.get("ContainerStartupHealthCheckTimeoutInSeconds", options.startup_timeout),
                variant,
            )
            started[fleet_key(record, variant["VariantName"])] = fleet
            fleet.start(variant.get("InitialInstanceCount", 1))
    except Exception:
        for fleet in started.values():
            fleet.stop(0.0)
        raise
    return started


def _fleets_of(record: Record) -> dict[str, Fleet]:
    """The fleets of the endpoint's own variants."""
    return {
        key: fleet for key, fleet in hosting.fleets.items() if key.startswith(f"{record['EndpointArn']}/")
    }


_enter = partial(catalog.enter, store.ENDPOINT)


# ---- records -----------------------------------------------------------------------------------------------


def _serving(config: Record) -> dict[str, Any]:
    """The fields of an endpoint that serves a configuration, which may be deleted later."""
    return {
        "ProductionVariants": [_variant_summary(v, serving=True) for v in config["ProductionVariants"]],
        "_Config": config,
    }


def _config_of(record: Record) -> Record:
    config: Record = record.get("_Config") or store.find(store.ENDPOINT_CONFIG, record["EndpointConfigName"])
    return config


def _variant_summary(variant: Record, *, serving: bool = False) -> Record:
    count, weight = variant.get("InitialInstanceCount"), variant.get("InitialVariantWeight", 1.0)
    summary = {
        "VariantName": variant["VariantName"],
        "DesiredWeight": weight,
        "CurrentWeight": weight if serving else None,
        "DesiredInstanceCount": count,
        "CurrentInstanceCount": count if serving else None,
        "ManagedInstanceScaling": variant.get("ManagedInstanceScaling"),
        "RoutingConfig": variant.get("RoutingConfig"),
    }
    if serving and variant.get("ModelName"):
        model = store.table(store.MODEL).get(variant["ModelName"], {})
        image = container_of(model)["Image"] if model else None
        summary["DeployedImages"] = (
            [{"SpecifiedImage": image, "ResolutionTime": store.now()}] if image else None
        )
    return {key: value for key, value in summary.items() if value is not None}


OPERATIONS: dict[str, catalog.Operation] = {
    "CreateEndpoint": create,
    "DescribeEndpoint": catalog.describing(store.ENDPOINT),
    "UpdateEndpoint": update,
    "UpdateEndpointWeightsAndCapacities": update_weights_and_capacities,
    "DeleteEndpoint": delete,
    "ListEndpoints": catalog.Listing(store.ENDPOINT),
}
