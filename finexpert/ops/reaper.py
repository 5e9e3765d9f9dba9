"""The deployed idle reaper: ask it what it would do, and read what it did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from finexpert.deployment import Deployment
from finexpert.errors import UserError


def dry_run(deployment: Deployment) -> dict[str, Any]:
    """Invoke the deployed function with `{"dry_run": true}`: its own code, role and settings.

    Returns:
        Its answer: `decisions` (endpoint, action, reason, evidence), `api_calls`, `complete`.

    Raises:
        UserError: the function failed; with its own message.
    """
    name = deployment.output("Guardrails", "IdleReaperName")
    answer = deployment.target.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps({"dry_run": True}).encode()
    )
    document = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError") or not isinstance(document, dict):
        message = document.get("errorMessage") if isinstance(document, dict) else document
        raise UserError(
            f"The idle reaper failed: {message}",
            where=name,
            fix=f"Its log: /aws/lambda/{name} in CloudWatch Logs",
        )
    return document


def log_group(deployment: Deployment) -> str:
    """Where the function's log is."""
    return f"/aws/lambda/{deployment.output('Guardrails', 'IdleReaperName')}"


def decisions_in(lines: list[str]) -> list[Mapping[str, Any]]:
    """The decisions among the function's log lines: one JSON object each, `"event": "decision"`."""
    found: list[Mapping[str, Any]] = []
    for line in lines:
        start = line.find("{")
        try:
            entry = json.loads(line[start:]) if start >= 0 else None
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("event") == "decision":
            found.append(entry)
    return found
