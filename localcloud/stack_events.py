"""A stack's events as on AWS: what an update adds is created, not updated, and what it removes is deleted.

ministack names events after what happens to the stack and says nothing of what an update removes. An
endpoint's lifetime, and so its cost, is read from its events from CREATE_IN_PROGRESS to DELETE_COMPLETE.
"""

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
    last = _last(logical_id, earlier).get("ResourceStatus", "DELETE_COMPLETE")
    begins = phase == "IN_PROGRESS" and last in ("DELETE_COMPLETE", "CREATE_FAILED")
    return f"CREATE_{phase}" if begins or last == BEGUN else status


def is_unreported_removal(physical_id: str, logical_id: str, earlier: Sequence[dict[str, Any]]) -> bool:
    """Whether ministack reports no deletion of this resource, because an update removes it.

    ministack reports the others. The predecessor of a replaced resource is not the last one reported.
    """
    last = _last(logical_id, earlier)
    return last.get("PhysicalResourceId") == physical_id and last["ResourceStatus"] != "DELETE_IN_PROGRESS"


def is_updating(status: str) -> bool:
    """Whether an update, its clean-up or its rollback is under way: CloudFormation deletes no such stack."""
    return status.startswith("UPDATE_") and status.endswith("IN_PROGRESS")


def _last(logical_id: str, earlier: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return next((event for event in reversed(earlier) if event["LogicalResourceId"] == logical_id), {})
