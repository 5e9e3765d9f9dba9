"""Long calls: `Invocations` counts a call when it ends, so one that still runs shows only as concurrency."""

from core.reaper.facts import Endpoint, Series
from core.reaper.rules.use import by


def series(endpoint: Endpoint) -> list[Series]:
    """`ConcurrentRequestsPerModel` of every variant."""
    return [
        Series.of(
            "ConcurrentRequestsPerModel", "Maximum", EndpointName=endpoint.name, VariantName=variant.name
        )
        for variant in endpoint.variants
    ]


judge = by(series)
"""Keep while a call is in flight."""
