"""Keeps every endpoint that is outside the scope."""

from datetime import datetime

from core.aws.tags import owning_stack
from core.names import PROJECT_TAG
from core.reaper.facts import Tagged, Unreadable, Verdict, keep
from core.reaper.settings import ReaperSettings, Scope


def judge(endpoint: Tagged, settings: ReaperSettings, now: datetime) -> Verdict | None:
    """Keep endpoints without the project's tag that are not Hosting's either, in the scope `project`."""
    if settings.scope is Scope.ACCOUNT or endpoint.hosting_endpoint or endpoint.tags is None:
        return None
    if isinstance(endpoint.tags, Unreadable):
        return keep(f"its tags cannot be read, so its owner is unknown ({endpoint.tags.why})")
    if endpoint.tags.get(PROJECT_TAG) == settings.project:
        return None
    if settings.hosting_stack and owning_stack(endpoint.tags) == settings.hosting_stack:
        return None
    return keep(f"outside the scope: it has no tag {PROJECT_TAG} = {settings.project}")
