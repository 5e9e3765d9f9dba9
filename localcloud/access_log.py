"""A log of each role's different requests, and whether policies allowed them.

It is what a test needs that takes a role's rights away one by one: a right is needed if, without it, a
request that the role made would be refused.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any


class AccessLog:
    """Decisions by role, in the order in which they were first made. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Any]] = {}

    def add(self, role: str, action: str, resource: str, context: Mapping[str, Any], allowed: bool) -> None:
        """Keep a decision.

        Args:
            role: the role's name.
            context: the request's own condition keys, in lower case.
        """
        known = {key: value for key, value in context.items() if value is not None}
        entry = {"role": role, "action": action, "resource": resource, "context": known, "allowed": allowed}
        with self._lock:
            self._entries.setdefault(json.dumps(entry, sort_keys=True, default=str), entry)

    def entries(self) -> list[dict[str, Any]]:
        """All decisions."""
        with self._lock:
            return list(self._entries.values())


access_log = AccessLog()
"""This cloud's log; empty while it does not check policies."""
