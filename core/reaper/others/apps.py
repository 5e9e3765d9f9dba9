"""Studio apps: the last activity of a person, where AWS knows it."""

from datetime import datetime, timedelta

from core.money.time import HOUR
from core.reaper.facts import Verdict, keep, report
from core.reaper.others.facts import STUCK, UNATTENDED, Resource
from core.reaper.settings import ReaperSettings

#: AWS writes activity and health check together for apps whose users it cannot see.
SAME = timedelta(seconds=1)


def last_activity(app: Resource) -> datetime | None:
    """The time of a person's last use; None if AWS does not say.

    Where a health check alone moves `LastUserActivityTimestamp` it equals `LastHealthCheckTimestamp`: that
    is no activity.
    """
    detail = app.known
    if detail is None or detail.active is None:
        return None
    if detail.checked is not None and abs(detail.checked - detail.active) <= SAME:
        return None
    return detail.active


def judge(app: Resource, settings: ReaperSettings, now: datetime) -> Verdict:
    """Report an app that was not used for the idle time, or that runs for long with its use unknown."""
    detail = app.known
    kind = (detail.instance_type if detail else "") or app.instance_type
    if kind == "system":
        return keep("it runs on the shared system instance: it costs nothing")
    remove = "delete it in Studio, or: aws sagemaker delete-app " + " ".join(
        f"--{option} {value}" for option, value in app.identity.items()
    )
    age = now - app.created
    # Of an app that is being deleted AWS does not say since when.
    if app.status not in ("InService", "Deleting") and age > STUCK:
        return report(f"it has been in {app.status} for {age / HOUR:.1f} h: {remove}")
    if app.status != "InService":
        return keep(f"its status is {app.status}")
    used = last_activity(app)
    if used is None and age < UNATTENDED:
        return keep(f"AWS does not say whether it is in use; reported after {UNATTENDED / HOUR:.0f} h")
    if used is None:
        return report(
            f"running for {age / HOUR:.1f} h, and AWS does not say whether anyone uses it: {remove}"
        )
    if used > settings.window_start(now):
        return keep(f"in use, last at {used:%H:%M} UTC")
    return report(f"idle for {(now - used) / HOUR:.1f} h: {remove}")
