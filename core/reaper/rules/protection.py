"""A tag protects an endpoint, for ever or until a date."""

from datetime import UTC, datetime, time

from core.reading import FALSE, TRUE
from core.reaper.facts import Tagged, Unreadable, Verdict, keep
from core.reaper.settings import ReaperSettings


def judge(endpoint: Tagged, settings: ReaperSettings, now: datetime) -> Verdict | None:
    """Keep what carries the keep tag, unless its date is past or its value is no."""
    if isinstance(endpoint.tags, Unreadable):
        return keep(f"its tags cannot be read, so it may be protected ({endpoint.tags.why})")
    value = endpoint.known_tags.get(settings.keep_tag)
    if value is None or value.strip().lower() in FALSE:
        return None
    text = value.strip()
    if not text or text.lower() in TRUE:
        return keep(f"protected by its tag {settings.keep_tag}")
    until = moment(text)
    if until is None:
        return keep(
            f"its tag {settings.keep_tag} is {text!r}, which is neither `true` nor a date like"
            " 2026-12-31T18:00Z; to be safe that counts as protected"
        )
    if now < until:
        return keep(f"protected by its tag {settings.keep_tag} until {until:%Y-%m-%d %H:%M} UTC")
    return None


def moment(text: str) -> datetime | None:
    """An ISO date or date-time as UTC; a bare date means the end of that day. None if it is neither."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if value.time() == time(0) and len(text.strip()) <= len("2026-12-31"):
        value = value.replace(hour=23, minute=59, second=59)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
