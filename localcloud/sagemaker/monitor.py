"""Does the work of AWS's agents on an endpoint's instances: follow logs, restart dead programs, measure."""

import threading
import time
from collections import defaultdict

from localcloud import platform
from localcloud.sagemaker import hosting, store, telemetry
from localcloud.sagemaker.options import options
from localcloud.sagemaker.store import Record
from localcloud.sagemaker.usage import Meter


def wait(seconds: float) -> None:
    """Let an instance's provisioning take its time."""
    threading.Event().wait(seconds)


def watch(endpoint: Record) -> None:
    """Look after the endpoint's fleets until it is gone. One thread an endpoint."""
    meters: dict[str, Meter] = defaultdict(Meter)
    next_utilization = next_concurrency = time.monotonic()
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
        if now >= next_utilization:
            next_utilization = now + options.utilization_period
            for variant_name in [variant["VariantName"] for variant in endpoint["ProductionVariants"]]:
                _put_utilization(name, variant_name, meters[variant_name], fleets)
        wait(options.look)


def _put_utilization(
    endpoint_name: str, variant_name: str, meter: Meter, fleets: list[hosting.Fleet]
) -> None:
    on_variant = [fleet for fleet in fleets if fleet.placement.variant_name == variant_name]
    reading = meter.read(copy.server.group for fleet in on_variant for copy in fleet.copies)
    dimensions = {"EndpointName": endpoint_name, "VariantName": variant_name}
    telemetry.put_utilization(platform.ENDPOINTS, reading, dimensions)
