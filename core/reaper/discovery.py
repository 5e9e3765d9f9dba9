"""Which components and listed series belong to which endpoint. Pure."""

from __future__ import annotations

from core.reaper.facts import Component, Series, Unreadable


def own(
    components: dict[str, tuple[Component, ...]] | Unreadable, endpoint: str
) -> tuple[Component, ...] | Unreadable:
    return components if isinstance(components, Unreadable) else components.get(endpoint, ())


def by_name(discovered: set[Series] | Unreadable) -> dict[tuple[str, str], set[Series]] | Unreadable:
    if isinstance(discovered, Unreadable):
        return discovered
    found: dict[tuple[str, str], set[Series]] = {}
    for series in discovered:
        for dimension in series.dimensions:
            found.setdefault(dimension, set()).add(series)
    return found


def matching(
    discovered: dict[tuple[str, str], set[Series]] | Unreadable,
    endpoint: str,
    components: tuple[Component, ...] | Unreadable,
) -> frozenset[Series] | Unreadable:
    """The series that name the endpoint or one of its components."""
    if isinstance(discovered, Unreadable):
        return discovered
    own = [] if isinstance(components, Unreadable) else components
    names = [("EndpointName", endpoint), *(("InferenceComponentName", each.name) for each in own)]
    return frozenset().union(*(discovered.get(name, set()) for name in names))
