"""A young or newly changed endpoint is kept: before its window opened, no metric proves nothing."""

from datetime import datetime

from core.reaper.facts import Endpoint, Verdict, keep
from core.reaper.settings import ReaperSettings
from core.wording import minutes


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | None:
    """Keep until the least age has passed since creation and since the last change."""
    age = now - max(endpoint.created, endpoint.modified)
    if age >= settings.least_age:
        return None
    return keep(
        f"too new to judge: {minutes(age)} since it was made or changed, {minutes(settings.least_age)} needed"
    )
