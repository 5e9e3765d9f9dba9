"""The budgets that ministack keeps."""

from typing import Any

from ministack.services import budgets


def budgets_of_account() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every budget's live record with its notifications ({"notification", "subscribers"})."""
    return [(record, budgets._notification_store.get(name, [])) for name, record in budgets._budgets.items()]
