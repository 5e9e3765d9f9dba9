"""The deployed idle reaper: ask what it would do, read what it did, and foresee when it will act."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from core.aws.calls import pages
from core.reaper import metrics
from core.reaper.answers import endpoint_of
from core.reaper.facts import Endpoint, Unreadable
from core.reaper.reader import Reader
from core.reaper.rules import protection, wanted_series
from core.reaper.rules.warning import announced, deadline
from core.reaper.run import NO_CONTEXT_SECONDS
from core.reaper.settings import ReaperSettings
from finexpert.errors import UserError
from finexpert.service.deployment import Deployment
from finexpert.service.runs.logs import events
from finexpert.text import duration
from infra.settings import Settings

#: Decisions that are read at most; a quiet endpoint is decided on every few minutes.
MOST_DECISIONS = 2000


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
    """The name of the function's log group."""
    return f"/aws/lambda/{deployment.output('Guardrails', 'IdleReaperName')}"


def decisions_in(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The decisions among the function's log lines: one JSON object each, `"event": "decision"`."""
    return [entry for entry in events(lines) if entry["event"] == "decision"]


@dataclass(frozen=True, kw_only=True)
class Decided:
    """The same decision on one endpoint, once or several times in a row: first `since`, last `at`."""

    endpoint: str
    action: str
    reason: str
    since: datetime
    at: datetime


def decisions(deployment: Deployment, *, since: datetime, until: datetime) -> list[Decided]:
    """The reaper's decisions between two times, newest first; equal ones in a row are merged.

    `keep` because of use is decided every few minutes: the newest reason stands for all of a row. A reason of
    another kind begins a new row, so that the one before stays as it was.
    """
    logs = deployment.target.client("logs")
    found: list[tuple[datetime, Mapping[str, Any]]] = []
    try:
        for answer in pages(
            logs.filter_log_events,
            token="nextToken",
            logGroupName=log_group(deployment),
            startTime=int(since.timestamp() * 1000),
            endTime=int(until.timestamp() * 1000),
            filterPattern='"decision"',
        ):
            for event in answer["events"]:
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                found += [(at, decision) for decision in decisions_in([event["message"]])]
            if len(found) >= MOST_DECISIONS:
                break
    except logs.exceptions.ResourceNotFoundException:
        return []  # it has not run yet
    return in_rows(found)


def in_rows(found: Iterable[tuple[datetime, Mapping[str, Any]]]) -> list[Decided]:
    """Merge successive equal decisions on one endpoint into one; newest first."""
    single = [
        Decided(at=at, since=at, **{part: str(each[part]) for part in ("endpoint", "action", "reason")})
        for at, each in found
        if not each.get("dry_run")
    ]
    single.sort(key=lambda each: (each.endpoint, each.at))
    alike = groupby(single, key=lambda each: (each.endpoint, each.action, _kind(each.reason)))
    rows = [replace(row[-1], since=row[0].at) for row in (list(same) for _, same in alike)]
    return sorted(rows, key=lambda each: each.at, reverse=True)


def _kind(reason: str) -> str:
    """The kind of a reason, without its figures: `in use`, `too new to judge`."""
    return re.split(r"[:\d]", reason, maxsplit=1)[0].strip()


@dataclass(frozen=True)
class Expectation:
    """When the reaper should act: `earliest` if it looks just then, `latest` if it looked just before."""

    earliest: datetime
    latest: datetime

    def countdown(self, now: datetime) -> str:
        """`in 48 s to 1 min 48 s`, `within 32 s`, or that it is late."""
        first, last = (max(0.0, (at - now).total_seconds()) for at in (self.earliest, self.latest))
        if first:
            return f"in {duration(first)} to {duration(last)}"
        return f"within {duration(last)}" if last else "any moment"


def expect(settings: Settings, *, asked: datetime) -> Expectation:
    """When the reaper should act, by the settings: idle time and metric delay, then the schedule's next look.

    CloudWatch counts calls by the minute, so the idle time begins at the end of the last call's minute.

    Args:
        asked: when the endpoint was last called, UTC-aware.
    """
    counted = asked.replace(second=0, microsecond=0) + timedelta(minutes=1)
    earliest = counted + timedelta(minutes=settings.idle_minutes + settings.metric_delay_minutes)
    return Expectation(earliest, earliest + timedelta(minutes=settings.reaper_period_minutes))


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """A forecast of what the reaper will do.

    Args:
        sleeps: when it acts; None if it never does, or if that is not known.
        kept_until: the end of a protection that stands.
        always: it never acts.
        reason: why it never acts, or why that is not known.
    """

    created: datetime
    sleeps: Expectation | None = None
    kept_until: datetime | None = None
    always: bool = False
    reason: str = ""


def forecast(deployment: Deployment, now: datetime) -> Foresight:
    """Read of the live endpoint what the reaper would read, and forecast what it will do.

    Raises:
        botocore.exceptions.ClientError: there is no endpoint, or it cannot be read.
    """
    settings, clients = deployment.settings.reaper(), deployment.target.client
    reader = Reader(clients, settings, lambda: now, lambda: NO_CONTEXT_SECONDS)
    described = clients("sagemaker").describe_endpoint(EndpointName=deployment.names.endpoint)
    endpoint = reader.fresh(endpoint_of(described))
    if isinstance(endpoint, Unreadable):
        created: datetime = described["CreationTime"]
        return Foresight(created=created, reason=f"its use cannot be read: {endpoint.why}")
    series = wanted_series(endpoint)
    activity = metrics.readings(clients("cloudwatch"), series, start=settings.window_start(now), now=now)
    period = timedelta(minutes=deployment.settings.reaper_period_minutes)
    return foresee(replace(endpoint, activity=activity), settings, period=period, now=now)


def foresee(endpoint: Endpoint, settings: ReaperSettings, *, period: timedelta, now: datetime) -> Foresight:
    """When the reaper will act on an endpoint that was read; `period` is that of its schedule. Pure."""
    protected = protection.judge(endpoint, settings, now)
    kept_until = protection.moment(endpoint.known_tags.get(settings.keep_tag, "")) if protected else None
    known = Foresight(created=endpoint.created, kept_until=kept_until)
    if settings.dry_run:
        return replace(known, always=True, reason="the reaper only reports, by the setting reaper_dry_run")
    if protected and kept_until is None:
        return replace(known, always=True, reason=protected.reason)
    unread = [reading.why for reading in endpoint.activity.values() if isinstance(reading, Unreadable)]
    if unread:
        return replace(known, reason=f"its use cannot be read: {unread[0]}")
    gates = [max(endpoint.created, endpoint.modified) + settings.least_age, now]
    if endpoint.last_used:
        gates.append(endpoint.last_used + settings.idle + settings.metric_delay)
    if kept_until:
        gates.append(kept_until)
    earliest = max(gates)
    if settings.warn:
        warned = deadline(endpoint) if announced(endpoint, settings) else None
        earliest = max(earliest, warned) if warned else earliest + settings.warn
    return replace(known, sleeps=Expectation(earliest, earliest + period))
