"""Keeps reads, reports and the place to go on from for the next run, while the function is warm.

Losing it costs calls, a repeated message or a turn, never a wrong decision.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from core.aws.calls import Clients
from core.aws.errors import is_missing
from core.aws.notify import log
from core.reaper.facts import Description, Endpoint
from core.reaper.settings import ReaperSettings


def version(endpoint: Endpoint) -> tuple[str, datetime, datetime]:
    """A key that names an endpoint in its present state: every change moves its LastModifiedTime."""
    return endpoint.arn, endpoint.created, endpoint.modified


@dataclass
class RegionMemory:
    """The answers read in one region: descriptions by ARN, creation and last change; configurations by name,
    which AWS never changes in place."""

    details: dict[tuple[str, datetime, datetime], tuple[datetime, Description]] = field(default_factory=dict)
    configs: dict[str, Description] = field(default_factory=dict)

    def of(self, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
        """Forget what belongs to no endpoint of the list; the remembered ones, longest known first."""
        listed = {version(endpoint): endpoint for endpoint in endpoints}
        self.details = {version: kept for version, kept in self.details.items() if version in listed}
        used = {detail.config_name for _, detail in self.details.values()}
        self.configs = {name: config for name, config in self.configs.items() if name in used}
        return [listed[version] for version in sorted(self.details, key=lambda v: (self.details[v][0], v))]

    def clear(self) -> None:
        """Forget everything."""
        self.details.clear()
        self.configs.clear()


@dataclass
class WarmState:
    """The memory of a warm function.

    Args:
        regions: the answers read in each region.
        reported: the time of a report by (ARN, creation, what).
        begin_with: region → ARN to go on with, for a function without an audit bucket.
    """

    regions: dict[str, RegionMemory] = field(default_factory=dict)
    reported: dict[tuple[str, datetime, str], datetime] = field(default_factory=dict)
    begin_with: dict[str, str] = field(default_factory=dict)

    def of_region(self, region: str) -> RegionMemory:
        """The answers read in a region so far."""
        return self.regions.setdefault(region, RegionMemory())


class Checkpoint:
    """The ARN to begin with, empty for the beginning. One that cannot be read or kept stops nothing."""

    def __init__(self, clients: Clients, settings: ReaperSettings, warm: WarmState) -> None:
        self._warm = warm
        self._clients, self._bucket, self._region = clients, settings.audit_bucket, settings.region
        self._key = f"audit/reaper/continue-{settings.region}.json"

    def load(self) -> str:
        """The ARN to begin with; empty for the beginning."""
        if not self._bucket:
            return self._warm.begin_with.get(self._region, "")
        try:
            body = self._clients("s3").get_object(Bucket=self._bucket, Key=self._key)["Body"].read()
            return str(json.loads(body)["begin_with"])
        except Exception as error:
            if not is_missing(error):
                log("checkpoint-unread", region=self._region, error=str(error))
            return ""

    def save(self, arn: str) -> None:
        """Begin with `arn` next time."""
        if not self._bucket:
            self._warm.begin_with[self._region] = arn
            return
        try:
            body = json.dumps({"begin_with": arn}).encode()
            self._clients("s3").put_object(
                Bucket=self._bucket, Key=self._key, Body=body, ContentType="application/json"
            )
        except Exception as error:
            log("checkpoint-unwritten", region=self._region, error=str(error))
