"""Warns before an idle endpoint is deleted: it stays until a deadline, which is kept in a tag."""

from datetime import datetime

from core.names import DELETE_AFTER_TAG
from core.reaper.facts import Action, Endpoint, Verdict
from core.reaper.rules.protection import moment
from core.reaper.settings import ReaperSettings
from core.wording import minutes


def deadline(endpoint: Endpoint) -> datetime | None:
    """The deadline of the warning that was given; None if there is none that can be read."""
    return moment(endpoint.known_tags.get(DELETE_AFTER_TAG, ""))


def warned_at(endpoint: Endpoint, settings: ReaperSettings) -> datetime | None:
    """The time of the warning: use since then makes it void."""
    end = deadline(endpoint)
    return end - settings.warn if end and settings.warn else None


def announced(endpoint: Endpoint, settings: ReaperSettings) -> bool:
    """Whether a warning stands: it was given, and the endpoint was not used since."""
    given, used = warned_at(endpoint, settings), endpoint.last_used
    return given is not None and (used is None or used <= given)


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | None:
    """Warn first; wait until the deadline; then let it go on to the deletion."""
    if not settings.warn:
        return None
    end = deadline(endpoint)
    if end is None or not announced(endpoint, settings):
        return Verdict(
            action=Action.WARN, reason=f"idle: warned, and to be deleted in {minutes(settings.warn)}"
        )
    if now < end:
        return Verdict(
            action=Action.WARN, reason=f"idle and warned: to be deleted after {end:%Y-%m-%d %H:%M} UTC"
        )
    return None
