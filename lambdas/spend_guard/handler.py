"""The spend guard: every few minutes, what has this month cost so far, and does it have to end?

AWS Budgets sees spending 8 to 12 hours late; this sum is made from what really ran (see
`lambdas.shared.spend`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lambdas.shared.aws import AwsClients, Clients, error_text, region_from
from lambdas.shared.environment import Variables
from lambdas.shared.notify import log, notify
from lambdas.shared.spend import Spend
from lambdas.shared.spend_sources import month_to_date
from lambdas.spend_guard import published
from lambdas.spend_guard.position import Position, crossed
from lambdas.spend_guard.stopping import Stopped, stop_all

#: What the last resort may wait for; the function's own limit is longer.
STOP_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The function's settings; money in dollars a month."""

    project: str
    region: str
    budget_usd: float
    reserve_usd: float
    hosting_stack: str
    namespace: str
    topic_arn: str

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Settings:
        """Read from environment variables; ConfigurationError names all that cannot be used."""
        variables = Variables(environ)
        project = variables.text("PROJECT", "FinExpert")
        settings = cls(
            project=project,
            region=region_from(environ),
            budget_usd=variables.number("BUDGET_USD", 25),
            reserve_usd=variables.number("RESERVE_USD", 2),
            hosting_stack=variables.text("HOSTING_STACK", f"{project}-Hosting"),
            namespace=variables.text("METRIC_NAMESPACE", "FinExpert"),
            topic_arn=variables.text("TOPIC_ARN"),
        )
        variables.check()
        return settings


class GuardBlind(RuntimeError):
    """The guard could not do its work; Lambda's error alarm tells people."""


def handler(event: Mapping[str, Any] | None = None, context: object = None) -> dict[str, Any]:
    """One run; the event is not used. Answer {spent_usd, burn_usd_per_hour, limit_usd, hours_to_limit, over,
    told, stopped, problems}. Raises GuardBlind after all was tried when stopping failed or nothing could be
    read."""
    settings = Settings.load(os.environ)
    return guard(settings, AwsClients(settings.region), datetime.now(UTC))


def guard(
    settings: Settings, clients: Clients, now: datetime, pause: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """The handler with everything from outside given."""
    spend = month_to_date(
        clients,
        project=settings.project,
        hosting_stack=settings.hosting_stack,
        region=settings.region,
        now=now,
    )
    before, doubted, problems = _remembered(settings, clients, now)
    position = Position(
        budget_usd=settings.budget_usd,
        reserve_usd=settings.reserve_usd,
        # A month's sum never falls: where less can be read than before, what was known then still holds.
        spent_usd=max(spend.total_usd, before),
        burn_usd_per_hour=spend.burn_usd_per_hour,
    )
    stopped = Stopped()
    if position.over:
        stopped = stop_all(
            clients,
            project=settings.project,
            hosting_stack=settings.hosting_stack,
            seconds=STOP_SECONDS,
            pause=pause,
        )
    told = _told(spend, position, before, doubted, stopped)
    if told and position.over:
        told += _untouched(spend, settings.hosting_stack)
    if told:
        notify(lambda: clients("sns"), settings.topic_arn, f"{settings.project}: spending", told)
    problems += _publish(settings, clients, position, spend, now) + stopped.problems
    answer = {
        "spent_usd": round(position.spent_usd, 4),
        "burn_usd_per_hour": round(position.burn_usd_per_hour, 4),
        "limit_usd": round(position.limit_usd, 4),
        "hours_to_limit": position.hours_to_limit,
        "over": position.over,
        "told": told,
        "stopped": stopped.done,
        "problems": [*problems, *spend.unread, *spend.unpriced],
    }
    log("spend", **answer)
    if problems:
        raise GuardBlind("; ".join(problems))
    return answer


def _remembered(settings: Settings, clients: Clients, now: datetime) -> tuple[float, bool, list[str]]:
    try:
        before, doubted = published.read(
            clients("cloudwatch"), namespace=settings.namespace, project=settings.project, now=now
        )
    except Exception as error:
        # Without memory everything is told again: better twice than never.
        return 0.0, False, [f"the guard's own metrics cannot be read: {error_text(error)}"]
    return before, doubted, []


def _publish(
    settings: Settings, clients: Clients, position: Position, spend: Spend, now: datetime
) -> list[str]:
    try:
        published.write(
            clients("cloudwatch"),
            namespace=settings.namespace,
            project=settings.project,
            position=position,
            doubts=len(spend.unread) + len(spend.unpriced),
            now=now,
        )
    except Exception as error:
        return [f"the guard's metrics cannot be written: {error_text(error)}"]
    return []


def _untouched(spend: Spend, hosting_stack: str) -> list[str]:
    """Endpoints that the guard does not stop, since it did not make them: people have to."""
    return [
        f"Still running, delete it if you can: endpoint {line.name}, ${line.usd_per_hour:.2f}/h"
        for line in spend.lines
        if line.running and line.kind == "endpoint" and line.name != hosting_stack
    ]


def _told(spend: Spend, position: Position, before: float, doubted: bool, stopped: Stopped) -> list[str]:
    lines = crossed(position, before)
    lines += [f"Stopped: {what}." for what in stopped.done]
    lines += [f"NOT STOPPED: {what}" for what in stopped.problems]
    doubts = [*spend.unpriced, *spend.unread]
    if doubts and not doubted:
        lines += [f"Missing from the sum: {what}" for what in doubts]
    return lines
