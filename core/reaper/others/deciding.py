"""The decision on a notebook instance, job or app, or what must be read first. Pure."""

from datetime import datetime, timedelta
from typing import Any

from core.money.prices import UnknownPrice, hourly
from core.reaper.evidence import iso
from core.reaper.facts import Need, Unreadable, Verdict, keep
from core.reaper.others import apps, jobs, notebooks
from core.reaper.others.facts import Resource
from core.reaper.rules import protection, scope
from core.reaper.settings import Kind, ReaperSettings


def decide(resource: Resource, settings: ReaperSettings, now: datetime) -> Verdict | Need:
    """Young ones are kept on what the list says; owners and protection come before everything else."""
    if now - max(resource.created, resource.modified) < settings.least_age:
        return keep("created or changed a short while ago")
    if not resource.arn and resource.detail is None:
        return Need.DETAIL
    if isinstance(resource.detail, Unreadable):
        return keep(f"it cannot be described ({resource.detail.why})")
    if resource.tags is None:
        return Need.TAGS
    held = scope.judge(resource, settings, now) or protection.judge(resource, settings, now)
    if held is not None:
        return held
    if resource.kind is Kind.NOTEBOOKS:
        return notebooks.judge(resource, now)
    if resource.detail is None:
        return Need.DETAIL
    if resource.kind is Kind.APPS:
        return apps.judge(resource, settings, now)
    return jobs.judge(resource, now)


def usd_per_hour(resource: Resource, region: str) -> float | None:
    """Dollars an hour of a training job; AWS's prices for the other kinds are not in the price file."""
    detail = resource.known
    if resource.kind is not Kind.TRAINING or detail is None or not detail.instance_type:
        return None
    try:
        return detail.instances * hourly(detail.instance_type, region, "training").usd
    except UnknownPrice:
        return None


def evidence(resource: Resource, settings: ReaperSettings, now: datetime) -> dict[str, Any]:
    """The values that were read."""
    found: dict[str, Any] = {
        "arn": resource.arn,
        "status": resource.status,
        "created": iso(resource.created),
        "last_modified": iso(resource.modified),
    }
    detail = resource.known
    if detail:
        found["arn"] = detail.arn or resource.arn
        times = {
            "started": detail.started,
            "last_user_activity": detail.active,
            "health_check": detail.checked,
        }
        found |= {name: iso(time) for name, time in times.items() if time}
        limits = {"limit_seconds": detail.limit, "wait_limit_seconds": detail.wait_limit}
        found |= {name: limit / timedelta(seconds=1) for name, limit in limits.items() if limit}
    kind = (detail.instance_type if detail else "") or resource.instance_type
    if kind:
        found["instance_type"] = kind
    rate = usd_per_hour(resource, settings.region)
    if rate is not None and detail:
        found["usd_per_hour"] = round(rate, 4)
        if detail.started:
            found["usd_so_far"] = round(rate * ((now - detail.started) / timedelta(hours=1)), 4)
    return found
