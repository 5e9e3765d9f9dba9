"""The spend guard: sums up the month every few minutes, and stops everything at the limit.

AWS Budgets sees spending 8 to 12 hours late; this sum is made from what really ran (see `core.money.spend`).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from core.aws.calls import Clients, region_from
from core.aws.errors import error_text
from core.aws.notify import log, notify
from core.environment import Variables
from core.guard import latch, page, published
from core.guard.position import GuardMemory, Position, crossed, stand
from core.guard.stopping import Stopped, stop_all
from core.money import prices
from core.money.prices import per_hour
from core.money.settings import BudgetSettings
from core.money.sources import month_to_date
from core.money.spend import Spend

#: The longest wait for the removal of one endpoint; the function's own limit is longer.
STOP_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class GuardSettings:
    """Settings of the function `spend_guard`. Without `latch_policy_arn` no role is ever denied anything.

    `page_function` is "" where the page is not deployed; `page_concurrency` is what is reserved for it.
    """

    budget: BudgetSettings
    region: str
    namespace: str
    topic_arn: str
    latch_policy_arn: str
    latch_roles: tuple[str, ...]
    page_function: str = ""
    page_concurrency: int = 0

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Read from environment variables; ConfigurationError names all that cannot be used."""
        variables = Variables(environ)
        settings = cls(
            budget=BudgetSettings.read(variables),
            region=region_from(environ),
            namespace=variables.needed("METRIC_NAMESPACE", "the namespace of the project's metrics"),
            topic_arn=variables.text("TOPIC_ARN"),
            latch_policy_arn=variables.text("LATCH_POLICY_ARN"),
            latch_roles=variables.words("LATCH_ROLES"),
            page_function=variables.text("PAGE_FUNCTION"),
            page_concurrency=variables.whole("PAGE_CONCURRENCY", 0),
        )
        variables.check()
        return settings


class GuardBlind(RuntimeError):
    """The guard could not do its work; Lambda's error alarm tells people."""


def guard(
    settings: GuardSettings,
    clients: Clients,
    now: datetime,
    *,
    billing: Callable[[], Any],
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """One run; answer as `lambdas.spend_guard.handler` says.

    Raises:
        GuardBlind: after all was tried, when stopping failed or the guard's memory could not be used.
    """
    budget = settings.budget
    spend = month_to_date(clients, budget, region=settings.region, now=now, billing=billing)
    memory, problems = _remembered(settings, clients, now)
    position = stand(spend, memory, budget, now, price_problem=prices.problem())
    stopped = Stopped()
    if position.over:
        stopped = stop_all(
            clients,
            project=budget.project,
            hosting_stack=budget.hosting_stack,
            endpoints=spend.endpoints,
            seconds=STOP_SECONDS,
            now=now,
            pause=pause,
        )
    if settings.page_function:
        page.turn(
            clients("lambda"),
            settings.page_function,
            stopped,
            over=position.over,
            reserved=settings.page_concurrency,
        )
    latched = memory.latched  # at most once a month
    if settings.latch_policy_arn and settings.latch_roles and memory.readable and not latched:
        latched = latch.turn(
            clients("iam"), settings.latch_policy_arn, settings.latch_roles, stopped, over=position.over
        )
    message = _message(spend, position, memory, stopped)
    if message:
        notify(lambda: clients("sns"), settings.topic_arn, f"{budget.project}: spending", message)
    problems += _publish(settings, clients, position, spend, latched, now) + stopped.problems
    problems += [position.blind] if position.blind else []
    answer = {
        "spent_usd": round(position.spent_usd, 4),
        "burn_usd_per_hour": round(position.burn_usd_per_hour, 4),
        "limit_usd": round(position.limit_usd, 4),
        "hours_to_limit": position.hours_to_limit,
        "projected_usd": round(position.projected_usd, 4),
        "over": position.over,
        "told": message,
        "stopped": stopped.done,
        "problems": [*problems, *spend.unread, *spend.unpriced],
    }
    log("spend", **answer)
    if problems:
        raise GuardBlind("; ".join(problems))
    return answer


def _remembered(settings: GuardSettings, clients: Clients, now: datetime) -> tuple[GuardMemory, list[str]]:
    try:
        memory = published.read(
            clients("cloudwatch"), namespace=settings.namespace, project=settings.budget.project, now=now
        )
    except Exception as error:
        # Without memory every message is sent again: better twice than never.
        return GuardMemory(readable=False), [f"the guard's own metrics cannot be read: {error_text(error)}"]
    return memory, []


def _publish(
    settings: GuardSettings, clients: Clients, position: Position, spend: Spend, latched: bool, now: datetime
) -> list[str]:
    try:
        published.write(
            clients("cloudwatch"),
            namespace=settings.namespace,
            project=settings.budget.project,
            position=position,
            doubts=len(spend.unread) + len(spend.unpriced),
            latched=latched,
            now=now,
        )
    except Exception as error:
        return [f"the guard's metrics cannot be written: {error_text(error)}"]
    return []


def _message(spend: Spend, position: Position, memory: GuardMemory, stopped: Stopped) -> list[str]:
    lines = crossed(position, memory.spent_usd)
    if position.blind:
        lines.append(f"Everything is stopped, since it is not known what was spent: {position.blind}")
    lines += [f"Done: {what}." for what in stopped.done]
    lines += [f"NOT STOPPED: {what}" for what in stopped.problems]
    if lines and position.over:
        lines += [
            f"Runs on, not the project's to stop: {line.kind} {line.name}, {per_hour(line.usd_per_hour)}"
            for line in spend.lines
            if line.running and line.kind not in ("endpoint", "training")
        ]
    doubts = [*spend.unpriced, *spend.unread]
    if spend.estimated and lines:
        lines += [f"Estimated: {what}" for what in spend.estimated]
    if doubts and not memory.doubted:
        lines += [f"Missing from the sum: {what}" for what in doubts]
    return lines
