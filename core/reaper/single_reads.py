"""Reads about one endpoint at a time: tags, what runs on it, its configuration. Each costs a call, so what
cannot have changed since the last run is remembered while the function is warm.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.aws.calls import Clients
from core.aws.errors import error_text, is_missing
from core.aws.tags import Tags, list_tags
from core.reaper.answers import description_of
from core.reaper.facts import Description, Endpoint, Need, Unreadable
from core.reaper.warm import RegionMemory, version

#: A description is used again for so long. Every change of the endpoint moves its LastModifiedTime, which the
#: list shows and which voids the description at once; and before a deletion all is read anew.
REMEMBERED = timedelta(hours=1)
#: The number of samples that show whether memory and tag index can be trusted with the rest. Of the
#: descriptions the oldest are read again: if one is not as remembered, all are forgotten. Of the endpoints
#: that the index leaves out some are asked themselves: if none has a tag, the others have none either, since
#: the index leaves out what was never tagged.
SAMPLED = 2


class SingleReads:
    """One run's reads of single endpoints.

    Args:
        clients: of the region.
        memory: of the region, from earlier runs.
        now: the moment that is judged.
        has_time: whether more may be read.
        note: takes what was read and the problem that it met.
    """

    def __init__(
        self,
        clients: Clients,
        memory: RegionMemory,
        *,
        now: Callable[[], datetime],
        has_time: Callable[[], bool],
        note: Callable[[str, str], None],
    ) -> None:
        self._clients, self._now, self._has_time, self._note = clients, now, has_time, note
        self._memory = memory
        self._sampled: list[Tags] = []
        #: Reads that were tried.
        self.made = 0
        #: Whether anything is known of this fleet from earlier runs.
        self.remembers = False
        #: Whether the tag index was read whole, so that it may be taken at its word.
        self.index_is_whole = False
        #: The first endpoint that was left unread for lack of time.
        self.cut_at = ""

    def recall(self, endpoints: Iterable[Endpoint]) -> None:
        """Let go of endpoints that are gone or changed, and make sure that what is remembered still holds."""
        memory = self._memory
        known = memory.of(endpoints)
        self.remembers = bool(known)
        for endpoint in known[:SAMPLED]:
            _, remembered = memory.details.pop(version(endpoint))
            if self._detail(endpoint) != remembered:
                memory.clear()
                self.remembers = False
                return

    def read(self, need: Need, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its tags, detail or config: read, remembered, or Unreadable."""
        if need is Need.TAGS:
            return replace(endpoint, tags=self._tags(endpoint))
        if need is Need.DETAIL:
            return replace(endpoint, detail=self._detail(endpoint))
        return replace(endpoint, config=self._config(endpoint))

    def has_config(self, endpoint: Endpoint) -> bool:
        """Whether its configuration is at hand without a call."""
        if endpoint.config is not None:
            return True
        return (
            isinstance(endpoint.detail, Description) and endpoint.detail.config_name in self._memory.configs
        )

    def _tags(self, endpoint: Endpoint) -> Tags | Unreadable:
        sampled = self._sampled
        if self.index_is_whole and len(sampled) == SAMPLED and not any(sampled):
            return {}
        tags: Tags | Unreadable = self._one(
            Need.TAGS, endpoint, lambda: list_tags(self._clients("sagemaker"), endpoint.arn)
        )
        if not isinstance(tags, Unreadable) and len(sampled) < SAMPLED:
            sampled.append(tags)
        return tags

    def _detail(self, endpoint: Endpoint) -> Description | Unreadable:
        known_as = version(endpoint)
        read_at, detail = self._memory.details.get(known_as, (None, None))
        if detail is not None and read_at is not None and self._now() - read_at < REMEMBERED:
            return detail
        found: Description | Unreadable = self._one(
            Need.DETAIL,
            endpoint,
            lambda: description_of(self._clients("sagemaker").describe_endpoint(EndpointName=endpoint.name)),
        )
        # What is scaled to zero can come back at any moment.
        if isinstance(found, Description) and all(v.instances or v.serverless for v in found.variants):
            self._memory.details[known_as] = self._now(), found
        return found

    def _config(self, endpoint: Endpoint) -> Description | Unreadable:
        if not isinstance(endpoint.detail, Description):
            return Unreadable("the endpoint was not described")
        name = endpoint.detail.config_name
        if name not in self._memory.configs:
            describe = self._clients("sagemaker").describe_endpoint_config
            found = self._one(
                Need.CONFIG, endpoint, lambda: description_of(describe(EndpointConfigName=name))
            )
            if isinstance(found, Unreadable):
                return found
            self._memory.configs[name] = found
        return self._memory.configs[name]

    def _one(self, need: Need, endpoint: Endpoint, read: Callable[[], Any]) -> Any:
        if not self._has_time():
            self.cut_at = self.cut_at or endpoint.arn
            return Unreadable("no time was left in this run")
        self.made += 1
        try:
            return read()
        except Exception as error:
            problem = error_text(error)
            if not is_missing(error):  # that it is gone is known, not unread
                self._note(f"{need.value} of {endpoint.name}", problem)
            return Unreadable(problem)
