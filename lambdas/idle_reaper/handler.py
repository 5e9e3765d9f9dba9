"""The idle reaper: finds endpoints that nobody uses, warns, puts to sleep or deletes.

What is unknown is kept. The rules stand in `rules/`, one a module; the contract in lambdas/README.md;
`reader` reads, `actions` acts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lambdas.idle_reaper.actions import Actions, deadline_text
from lambdas.idle_reaper.evidence import evidence, usd_per_hour, wasted_usd
from lambdas.idle_reaper.facts import Action, Decision, Endpoint, Unreadable, Verdict, keep
from lambdas.idle_reaper.reader import SPARE_SECONDS, Reader
from lambdas.idle_reaper.rules.warning import announced
from lambdas.idle_reaper.settings import Settings
from lambdas.shared.aws import AwsClients, Clients
from lambdas.shared.notify import log, notify
from lambdas.shared.tags import DELETE_AFTER_TAG

#: How long a run may take where no Lambda context tells.
NO_CONTEXT_SECONDS = 900.0
#: The same thing is told of again after this long.
TELL_AGAIN = timedelta(hours=24)

#: (ARN, creation, action) → when people were told. Lives as long as the warm function: losing it costs one
#: mail.
_told: dict[tuple[str, datetime, str], datetime] = {}


def handler(event: Mapping[str, Any] | None, context: Any = None) -> dict[str, Any]:
    """One run. Event: may carry {"dry_run": true}.

    Answer: {"decisions": [{"endpoint", "action", "reason", "evidence"}], "api_calls": n, "complete": bool}.
    Raises ConfigurationError when an environment variable cannot be used; AWS errors end in decisions
    instead.
    """
    settings = Settings.load(os.environ, event or {})
    end = time.monotonic() + NO_CONTEXT_SECONDS

    def seconds_left() -> float:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return float(remaining()) / 1000 if remaining else end - time.monotonic()

    run = Run(AwsClients(settings.region), settings, lambda: datetime.now(UTC), seconds_left)
    return run.answer()


class Run:
    """One run over all endpoints, with everything from outside passed in."""

    def __init__(
        self,
        clients: Clients,
        settings: Settings,
        clock: Callable[[], datetime],
        seconds_left: Callable[[], float] = lambda: NO_CONTEXT_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clients, self._settings, self._left = clients, settings, seconds_left
        self._reader = Reader(clients, settings, clock, seconds_left)
        self._actions = Actions(clients, settings, clock, seconds_left, pause)
        self._deletes = 0
        self._lines: list[str] = []

    def answer(self) -> dict[str, Any]:
        """Look, decide, act, tell."""
        settled = self._reader.settle(self._reader.endpoints())
        decisions = {endpoint.arn: self._first(endpoint, verdict) for endpoint, verdict in settled}
        idle = [endpoint for endpoint, verdict in settled if verdict.action is Action.DELETE]
        for endpoint in sorted(idle, key=self._dearest):
            decisions[endpoint.arn] = self._delete(endpoint)
        self._tell()
        told = [decision.to_dict() for decision in decisions.values()]
        dry_run, problems, calls = self._settings.dry_run, self._reader.problems, self._clients.calls
        for decision in told:
            log("decision", dry_run=dry_run, **decision)
        log("run", dry_run=dry_run, endpoints=len(told), problems=problems, api_calls=calls)
        return {"decisions": told, "api_calls": calls, "complete": not problems}

    def _dearest(self, endpoint: Endpoint) -> tuple[float, datetime]:
        return -(usd_per_hour(endpoint, self._settings.region) or 0.0), endpoint.created

    def _first(self, endpoint: Endpoint, verdict: Verdict) -> Decision:
        """Carry out everything but deletions, which wait for their order."""
        acting = not self._settings.dry_run
        if verdict.action is Action.WARN and not announced(endpoint, self._settings):
            verdict = self._actions.warn(endpoint, verdict) if acting else verdict
            if verdict.action is Action.WARN:
                self._lines += self._warning(endpoint)
        if verdict.action is Action.NOTIFY:
            self._note_once(endpoint, verdict)
        if acting and verdict.action is Action.KEEP and self._used_since_warning(endpoint):
            self._actions.withdraw_warning(endpoint)
        return self._decision(endpoint, verdict)

    def _used_since_warning(self, endpoint: Endpoint) -> bool:
        opened = self._settings.window_start(self._reader.now)
        used = endpoint.last_used is not None and endpoint.last_used > opened
        return used and DELETE_AFTER_TAG in endpoint.known_tags

    def _delete(self, endpoint: Endpoint) -> Decision:
        """A fresh look, then the deletion, unless this run has done enough."""
        if self._deletes >= self._settings.max_deletes:
            limit = self._settings.max_deletes
            return self._decision(
                endpoint,
                keep(f"idle, but this run's limit of {limit} deletions is reached, dearest first"),
            )
        if self._left() < SPARE_SECONDS:
            self._reader.problems.append(f"{endpoint.name}: no time was left to delete it")
            return self._decision(endpoint, keep("idle, but no time was left in this run; the next goes on"))
        again = self._reader.fresh(endpoint)
        if isinstance(again, Unreadable):
            return self._decision(endpoint, keep(f"it could not be looked at again ({again.why})"))
        if (again.arn, again.created) != (endpoint.arn, endpoint.created):
            return self._decision(again, keep("it was made anew since the first look"))
        [(again, verdict)] = self._reader.settle([again])
        if verdict.action is not Action.DELETE:
            return self._first(again, verdict)
        self._deletes += 1
        if not self._settings.dry_run:
            verdict = self._actions.delete(again, verdict)
            if verdict.action is Action.DELETE:
                self._lines.append(f"{endpoint.name}: {verdict.reason}.{self._cost(again)}")
            elif verdict.action is Action.NOTIFY:
                self._note_once(again, verdict)
        return self._decision(again, verdict)

    def _decision(self, endpoint: Endpoint, verdict: Verdict) -> Decision:
        return Decision(
            endpoint=endpoint.name,
            action=verdict.action,
            reason=verdict.reason,
            evidence=evidence(endpoint, self._settings, self._reader.now),
        )

    def _cost(self, endpoint: Endpoint) -> str:
        rate = usd_per_hour(endpoint, self._settings.region)
        if rate is None:
            return " Its price is not known."
        wasted = wasted_usd(endpoint, self._settings, self._reader.now) or 0.0
        return f" It costs ${rate:.2f}/h; at least ${wasted:.2f} since it was last used."

    def _warning(self, endpoint: Endpoint) -> list[str]:
        tomorrow = self._reader.now + timedelta(days=1)
        return [
            f"{endpoint.name}: nobody uses it; it is to be deleted after"
            f" {deadline_text(self._settings, self._reader.now)}.{self._cost(endpoint)}",
            f"  To keep it for a day: aws sagemaker add-tags --region {self._settings.region}"
            f" --resource-arn {endpoint.arn}"
            f" --tags Key={self._settings.keep_tag},Value={tomorrow:%Y-%m-%dT%H:%MZ}",
        ]

    def _note_once(self, endpoint: Endpoint, verdict: Verdict) -> None:
        key = (endpoint.arn, endpoint.created, verdict.action)
        told = _told.get(key)
        if self._settings.dry_run or (told and self._reader.now - told < TELL_AGAIN):
            return
        _told[key] = self._reader.now
        self._lines.append(f"{endpoint.name}: {verdict.reason}.{self._cost(endpoint)}")

    def _tell(self) -> None:
        if self._lines and not self._settings.dry_run:
            notify(
                lambda: self._clients("sns"),
                self._settings.topic_arn,
                f"{self._settings.project}: idle endpoints",
                self._lines,
            )
