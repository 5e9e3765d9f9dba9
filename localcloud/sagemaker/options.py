"""Waiting times of the service. AWS's where it documents them; tests make them short."""

from dataclasses import dataclass, fields
from typing import Any

from localcloud.protocol import validation


@dataclass
class Options:
    """All in seconds."""

    stop_grace: float = 120.0  # StopTrainingJob: SIGTERM, then SIGKILL
    endpoint_grace: float = 30.0  # the same for an endpoint's container
    look: float = 0.5  # between two looks at a running job: logs, limits
    checkpoint_sync: float = 5.0  # between two looks at the checkpoint folder
    startup_timeout: float = 600.0  # until /ping must answer, where the request does not say
    invocation_timeout: float = 60.0
    streaming_timeout: float = 480.0
    interface_linger: float = 60.0  # a network interface after its endpoint; on AWS some minutes
    concurrency_period: float = 10.0

    def update(self, changes: dict[str, Any]) -> None:
        """Set some of them.

        Raises:
            ApiError: for a name that is none or a value that is no number of seconds.
        """
        known = {field.name for field in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise validation(f"Unknown option {name!r}; known are {', '.join(sorted(known))}.")
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise validation(f"Option {name!r} must be a number of seconds, not {value!r}.")
            setattr(self, name, float(value))


options = Options()
