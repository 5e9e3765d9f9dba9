"""When the idle reaper will put the endpoint to sleep if nobody asks it from now on, by its own rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.reaper import metrics
from core.reaper.answers import endpoint_of
from core.reaper.facts import Endpoint, Unreadable
from core.reaper.reader import Reader
from core.reaper.rules import protection, wanted_series
from core.reaper.rules.warning import announced, deadline
from core.reaper.run import NO_CONTEXT_SECONDS
from core.reaper.settings import Scope, Settings
from finexpert.deployment import Deployment
from finexpert.service.endpoint.reaper import Expectation
from finexpert.service.money.costs import TargetClients


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """What the reaper will do.

    Args:
        sleeps: when it acts; None if it never does, or if that cannot be told.
        kept_until: the end of a protection that stands.
        always: it never acts.
        reason: why it never acts, or why that cannot be told.
    """

    created: datetime
    sleeps: Expectation | None = None
    kept_until: datetime | None = None
    always: bool = False
    reason: str = ""


def reaper_settings(deployment: Deployment) -> Settings:
    """What the deployed reaper goes by (its environment: infra/guardrails/stack.py)."""
    settings = deployment.settings
    return Settings(
        project=settings.prefix,
        region=settings.region,
        idle=timedelta(minutes=settings.idle_minutes),
        min_age=timedelta(minutes=settings.min_age_minutes),
        warn=timedelta(minutes=settings.warn_minutes),
        metric_delay=timedelta(minutes=settings.metric_delay_minutes),
        scope=Scope(settings.reaper_scope),
        dry_run=settings.reaper_only_tells,
        hosting_stack=deployment.names.stack("Hosting"),
    )


def read(deployment: Deployment, now: datetime) -> Foresight:
    """Read what the reaper would read of the live endpoint, and foresee.

    Raises:
        botocore.exceptions.ClientError: there is no endpoint, or it cannot be read.
    """
    settings, clients = reaper_settings(deployment), TargetClients(deployment.target)
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


def foresee(endpoint: Endpoint, settings: Settings, *, period: timedelta, now: datetime) -> Foresight:
    """When the reaper acts, from an endpoint that is read; `period`: of its schedule. Pure."""
    protected = protection.judge(endpoint, settings, now)
    kept_until = protection.moment(endpoint.known_tags.get(settings.keep_tag, "")) if protected else None
    known = Foresight(created=endpoint.created, kept_until=kept_until)
    if settings.dry_run:
        return replace(known, always=True, reason="the reaper only tells, by the setting reaper_dry_run")
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
