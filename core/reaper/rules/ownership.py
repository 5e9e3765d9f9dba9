"""Looks at the owner: Hosting's endpoint is put to sleep, that of another stack is only reported."""

from datetime import datetime

from core.aws.tags import owning_stack
from core.endpoint.hosting import Hosting
from core.names import PROJECT_TAG
from core.reaper.facts import Endpoint, Unreadable, Verdict, keep, report
from core.reaper.settings import ReaperSettings


def of_hosting(endpoint: Endpoint, settings: ReaperSettings) -> bool:
    """Whether the Hosting stack owns it, by its tags or by the stack's outputs."""
    by_tag = bool(settings.hosting_stack) and owning_stack(endpoint.known_tags) == settings.hosting_stack
    return by_tag or endpoint.hosting_endpoint


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | None:
    """Report other stacks' endpoints; keep Hosting's while its stack cannot be switched; else go on."""
    if of_hosting(endpoint, settings):
        return _hosting(endpoint.hosting)
    stack = owning_stack(endpoint.known_tags)
    if stack:
        return report(
            f"idle, but the CloudFormation stack {stack} owns it: deleting it here would break"
            " the stack; delete or update the stack"
        )
    mine = endpoint.known_tags.get(PROJECT_TAG) == settings.project
    if mine and isinstance(endpoint.hosting, Unreadable):
        return keep(
            f"it may belong to the stack {settings.hosting_stack}, which cannot be read"
            f" ({endpoint.hosting.why})"
        )
    return None


def _hosting(hosting: Hosting | Unreadable | None) -> Verdict | None:
    if isinstance(hosting, Hosting):
        if not hosting.state.settled:
            return keep(f"its stack {hosting.stack} is {hosting.state} ({hosting.status})")
        return None
    why = hosting.why if hosting else "it was not read"
    return keep(f"it belongs to the Hosting stack, which cannot be read ({why})")
