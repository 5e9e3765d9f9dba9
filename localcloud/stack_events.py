"""What a stack's event is called: a resource that an update adds is created, as on AWS, not updated.

ministack names events after what happens to the stack, so an endpoint that a wake makes would have no
CREATE_IN_PROGRESS, from which its lifetime and so its cost are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

STACK = "AWS::CloudFormation::Stack"
BEGUN = "CREATE_IN_PROGRESS"


def resource_status(
    status: str, resource_type: str, logical_id: str, earlier: Sequence[dict[str, Any]]
) -> str:
    """The ResourceStatus of an event, given the stack's `earlier` events, oldest first."""
    operation, _, phase = status.partition("_")
    if operation != "UPDATE" or resource_type == STACK:
        return status
    last = next(
        (event["ResourceStatus"] for event in reversed(earlier) if event["LogicalResourceId"] == logical_id),
        "DELETE_COMPLETE",
    )
    begins = phase == "IN_PROGRESS" and last in ("DELETE_COMPLETE", "CREATE_FAILED")
    return f"CREATE_{phase}" if begins or last == BEGUN else status
