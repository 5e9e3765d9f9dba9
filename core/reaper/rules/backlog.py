"""Judges asynchronous endpoints by backlog, processed requests and latency: they have no `Invocations`."""

from core.reaper.facts import Endpoint, Series
from core.reaper.rules.use import by


def series(endpoint: Endpoint) -> list[Series]:
    """The metrics of an asynchronous endpoint, and the latency of its variants; none for other endpoints."""
    if not endpoint.asynchronous:
        return []
    found = [
        Series.of("ApproximateBacklogSize", "Maximum", EndpointName=endpoint.name),
        Series.of("HasBacklogWithoutCapacity", "Maximum", EndpointName=endpoint.name),
        Series.of("InvocationsProcessed", EndpointName=endpoint.name),
        Series.of("InvocationFailures", EndpointName=endpoint.name),
    ]
    for variant in endpoint.variants:
        found += [
            Series.of("ModelLatency", "Maximum", EndpointName=endpoint.name, VariantName=variant.name),
            Series.of("InvocationsProcessed", EndpointName=endpoint.name, VariantName=variant.name),
        ]
    return found


judge = by(series)
"""Keep while requests wait or were worked on."""
