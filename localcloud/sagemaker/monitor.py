"""Does the work of AWS's agents on an endpoint's instances: follows logs, restarts, counts requests."""

import time

from localcloud.sagemaker import hosting, store, telemetry
from localcloud.sagemaker.options import options
from localcloud.sagemaker.store import Record


def watch(endpoint: Record) -> None:
    """Look after the endpoint's fleets until it is gone. One thread an endpoint."""
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
