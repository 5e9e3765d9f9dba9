"""Faults on demand, which AWS has seldom and this cloud only when asked.

A fault names a service as IAM does (`sagemaker`, `s3`, `lambda`, `cloudformation`, `sns`, `ssm`, …) and an
operation by its IAM action (`CreateTrainingJob`, `PutObject`, `InvokeFunction`), or `*` for all of the
service. The next requests for it, from any sender, get the error; see `POST /_finexpert/faults` in
`localcloud.control`.

Two internal steps of SageMaker have names here as well: `sagemaker:ProvisionTrainingInstance` and
`sagemaker:ProvisionEndpointInstance`. Their error becomes the job's or the endpoint's FailureReason.
"""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

ANY = "*"
MAX_DELAY_SECONDS = 900.0
# Codes that are the service's own fault, and so 5xx; SlowDown is how S3 throttles.
SERVER_ERRORS = {
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServerException": 500,
    "ServiceException": 500,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "SlowDown": 503,
}


class BadFault(ValueError):
    """A fault that cannot be; the message says what is wrong and what is right."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An error or a delay for the next requests of an operation.

    error: the code that the client sees; "" if the request is only delayed.
    message: the error's text.
    status: HTTP status; 0 means the usual one of the code.
    times: how many requests meet it.
    skip: how many requests pass before the first that does.
    delay_seconds: how long each of them waits first.
    """

    service: str
    operation: str
    error: str = ""
    message: str = ""
    status: int = 0
    times: int = 1
    skip: int = 0
    delay_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not self.service or not self.operation:
            raise BadFault('A fault names a service and an operation ("*" for all of them).')
        if not self.error and not self.delay_seconds:
            raise BadFault("A fault has an error, a delay_seconds, or both.")
        if self.times < 1 or self.skip < 0 or not 0 <= self.delay_seconds <= MAX_DELAY_SECONDS:
            raise BadFault(
                f"A fault's times are 1 or more, its skip 0 or more, its delay_seconds 0 to "
                f"{MAX_DELAY_SECONDS:g}."
            )
        if self.status and not 400 <= self.status <= 599:
            raise BadFault(f"A fault's status is between 400 and 599, not {self.status}.")

    @property
    def http_status(self) -> int:
        """The status to answer with."""
        return self.status or SERVER_ERRORS.get(self.error, 400)

    @property
    def text(self) -> str:
        """The message to answer with."""
        return self.message or f"{self.error} (injected: the embedded cloud was asked for this fault)"

    def concerns(self, service: str, operation: str) -> bool:
        """Whether it is about such a request."""
        return self.service == service and self.operation in (ANY, operation)


def fault_of(asked: Mapping[str, Any]) -> Fault:
    """A fault from its JSON.

    Raises:
        BadFault: a field is unknown, missing, of another type or out of range.
    """
    types = {
        name: type(value) for name, value in asdict(Fault(service="s", operation="o", error="e")).items()
    }
    for name, value in asked.items():
        if name not in types:
            raise BadFault(f"A fault has no {name!r}; it has {', '.join(types)}.")
        number = types[name] is float and isinstance(value, int) and not isinstance(value, bool)
        if type(value) is not types[name] and not number:
            raise BadFault(f"A fault's {name!r} is of type {types[name].__name__}, not {value!r}.")
    try:
        return Fault(**asked)
    except TypeError:
        raise BadFault('A fault needs "service" and "operation".') from None


class Faults:
    """The faults that are still to come, in the order in which they were asked for. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let the next matching requests meet it."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """The faults that are still to come, as JSON."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def take(self, service: str, operation: str) -> Fault | None:
        """The fault that this request meets, counted as met; None if it is to pass."""
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if not fault.concerns(service, operation):
                    continue
                if fault.skip:
                    self._waiting[place] = replace(fault, skip=fault.skip - 1)
                    continue
                if fault.times > 1:
                    self._waiting[place] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[place]
                return fault
        return None


faults = Faults()
"""The faults that this cloud will still deliver."""
