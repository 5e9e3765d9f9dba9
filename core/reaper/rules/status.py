"""Leaves an endpoint alone while it is changing; reports one that hangs in its deletion."""

from datetime import datetime, timedelta

from core.reaper.facts import Endpoint, Verdict, keep, report
from core.reaper.settings import ReaperSettings

#: In these an endpoint can be deleted at all; one that is Failed serves no request.
DELETABLE = ("InService", "Failed")
#: Deleting takes minutes. After this long it hangs, and may still bill.
STUCK = timedelta(hours=1)


def judge(endpoint: Endpoint, settings: ReaperSettings, now: datetime) -> Verdict | None:
    """Keep what is not in a deletable status."""
    if endpoint.status == "Deleting" and now - endpoint.modified > STUCK:
        return report(
            f"it has been in Deleting for {(now - endpoint.modified) / STUCK:.1f} h and may still"
            " bill; look at its inference components and ask AWS support"
        )
    if endpoint.status not in DELETABLE:
        return keep(f"its status is {endpoint.status}; only {' or '.join(DELETABLE)} may be deleted")
    return None
