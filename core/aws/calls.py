"""AWS clients that are made when first asked for, and that count every request they send."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Protocol

from core.aws.errors import error_text

#: Attempts a call, the first included. Adaptive mode also slows down when AWS throttles.
ATTEMPTS = 5


Clients = Callable[[str], Any]
"""Returns the boto3 client of a service; tests pass an in-memory cloud."""


class CountedClients(Protocol):
    """Clients that count their requests."""

    @property
    def calls(self) -> int:
        """HTTP requests sent so far, repeated attempts included."""
        ...

    def __call__(self, service: str) -> Any:
        """The boto3 client of a service."""
        ...


class AwsClients:
    """Clients of one region, made on first use with the endpoint and credentials that botocore finds.

    They are boto3's without what it adds to some, such as S3's `upload_file`.
    """

    def __init__(self, region: str | None = None) -> None:
        self.region = region or region_from(os.environ)
        self.calls = 0
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]

    def _make(self, service: str) -> Any:
        # Imported here: loading botocore is most of a cold start, and pure modules import this one for types.
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": ATTEMPTS, "mode": "adaptive"}, connect_timeout=5, read_timeout=30
        )
        client = self._session.create_client(service, region_name=self.region, config=config)
        client.meta.events.register("before-send", self._count)
        return client

    @cached_property
    def _session(self) -> Any:
        from botocore.session import Session

        session = Session()
        session.register_component("data_loader", _descriptions())
        return session

    def _count(self, **_: Any) -> None:
        self.calls += 1


@cache
def _descriptions() -> Any:
    """botocore's descriptions of the services, which a process reads once: most of what a client costs."""
    from botocore.loaders import create_loader

    return create_loader()


def region_from(environ: Mapping[str, str]) -> str:
    """The region that a Lambda or a shell runs in; us-east-1 where nothing says."""
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"


@dataclass(slots=True)
class Listing:
    """The items of a paged list; `problem` says why it ends early, and is empty if it is complete."""

    items: list[Any] = field(default_factory=list)
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether every page was read."""
        return not self.problem


def pages(operation: Callable[..., Any], *, token: str = "NextToken", **request: Any) -> Iterator[Any]:
    """The answers of a paged operation, one after another; errors of the operation pass through."""
    following: str | None = None
    while True:
        answer = operation(**request, **({token: following} if following else {}))
        yield answer
        following = answer.get(token)
        if not following:
            return


def items_of(
    operation: Callable[..., Any], items: str, *, token: str = "NextToken", **request: Any
) -> list[Any]:
    """The items of all pages of a list; errors of the operation pass through."""
    answers = pages(operation, token=token, **request)
    return [item for answer in answers for item in answer.get(items) or []]


def list_all(
    operation: Callable[..., Any], items: str, *, token: str = "NextToken", **request: Any
) -> Listing:
    """Read all pages; where one cannot be read, keep what came before and say so in `problem`."""
    listing = Listing()
    try:
        for answer in pages(operation, token=token, **request):
            listing.items += answer.get(items) or []
    except Exception as error:  # any failure means the same here: the list is not complete
        listing.problem = error_text(error)
    return listing
