"""Reads facts about all endpoints of a region from lists, instead of with a call for each."""

from collections.abc import Callable
from datetime import timedelta

from core.aws.calls import Clients, list_all
from core.aws.errors import error_text
from core.aws.tags import indexed_tags
from core.endpoint import hosting
from core.reaper import metrics
from core.reaper.answers import component_of
from core.reaper.facts import Component, Endpoint, Series, Unreadable
from core.reaper.settings import ReaperSettings


class Lists:
    """One run's lists; `note` takes what was read and the problem that it met."""

    def __init__(self, clients: Clients, settings: ReaperSettings, note: Callable[[str, str], None]) -> None:
        self._clients, self._settings, self._note = clients, settings, note

    def components(self) -> dict[str, tuple[Component, ...]] | Unreadable:
        """Inference components by endpoint."""
        sagemaker = self._clients("sagemaker")
        listing = list_all(sagemaker.list_inference_components, "InferenceComponents", MaxResults=100)
        if not listing.complete:
            self._note("the list of inference components", listing.problem)
            return Unreadable(listing.problem)
        found: dict[str, tuple[Component, ...]] = {}
        for summary in listing.items:
            name = summary["EndpointName"]
            found[name] = (*found.get(name, ()), component_of(summary))
        return found

    def tag_index(self) -> dict[str, dict[str, str]] | None:
        """Tags by ARN; None if they cannot be read, which only costs calls."""
        try:
            return indexed_tags(self._clients("resourcegroupstaggingapi"), "sagemaker:endpoint")
        except Exception:
            return None

    def hosting_stack(self) -> hosting.Hosting | Unreadable | None:
        """The Hosting stack as it is; None where there is none to look at."""
        if not self._settings.hosting_stack:
            return None
        try:
            return hosting.read(self._clients("cloudformation"), self._settings.hosting_stack)
        except Exception as error:
            self._note(f"the stack {self._settings.hosting_stack}", error_text(error))
            return Unreadable(error_text(error))

    def discovered(self, window: timedelta) -> set[Series] | Unreadable:
        """All series of requests; a failure costs calls, and leaves enhanced metrics unknown."""
        try:
            return metrics.listed(self._clients("cloudwatch"), window=window, metric="Invocations")
        except Exception as error:
            return Unreadable(error_text(error))

    def listed_again(self, endpoint: Endpoint, window: timedelta) -> frozenset[Series] | Unreadable:
        """Every series of use with the endpoint's name, and those of its components from the first look."""
        try:
            series = metrics.listed(self._clients("cloudwatch"), window=window, endpoint=endpoint.name)
        except Exception as error:
            return Unreadable(error_text(error))
        before = endpoint.discovered
        return frozenset(series) if isinstance(before, Unreadable) else before | series


def own(
    components: dict[str, tuple[Component, ...]] | Unreadable, endpoint: str
) -> tuple[Component, ...] | Unreadable:
    """The components of one endpoint."""
    return components if isinstance(components, Unreadable) else components.get(endpoint, ())


def by_name(discovered: set[Series] | Unreadable) -> dict[tuple[str, str], set[Series]] | Unreadable:
    """Series by each of their dimensions, name and value."""
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
