"""A log of each role's different requests, and whether policies allowed them.

It is what a test needs that takes a role's rights away one by one: a right is needed if, without it, a
request that the role made would be refused.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any

_lock = threading.Lock()
_entries: dict[str, dict[str, Any]] = {}


def add(role: str, action: str, resource: str, context: Mapping[str, Any], allowed: bool) -> None:
    """Keep a decision, if it is the first of its kind.

    Args:
        role: the role's name.
        context: the request's own condition keys, in lower case.
    """
    known = {key: value for key, value in context.items() if value is not None}
    entry = {"role": role, "action": action, "resource": resource, "context": known, "allowed": allowed}
    with _lock:
        _entries.setdefault(json.dumps(entry, sort_keys=True, default=str), entry)


def entries() -> list[dict[str, Any]]:
    """All decisions, in the order in which they were first made; none while policies are not checked."""
    with _lock:
        return list(_entries.values())
