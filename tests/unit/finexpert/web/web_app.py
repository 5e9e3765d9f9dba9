"""What the tests of the page share: an app in memory, and the body of an answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from finexpert.web.http import Response
from infra.settings import Settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Ask = Callable[..., tuple[int, Any]]


class Deployment(SimpleNamespace):
    """What handlers ask of a deployment; a service without a client in `clients` may not be called."""

    def __init__(self, clients: dict[str, Any] | None = None) -> None:
        settings = Settings.load({}, {})
        target = SimpleNamespace(
            client=lambda service, region=None, read_seconds=60: (clients or {})[service],
            is_local=True,
            describe=lambda: "on a cloud in memory",
        )
        super().__init__(settings=settings, names=settings.names, target=target)

    def output(self, part: str, key: str) -> str:
        return f"{part}-{key}".lower()

    @property
    def data_bucket(self) -> str:
        return self.output("Storage", "DataBucketName")


def whole(response: Response) -> bytes:
    """The body, however it comes."""
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)
