"""Judges notebook instances: AWS says that one runs, not whether anyone works in it."""

from datetime import datetime

from core.money.time import HOUR
from core.reaper.facts import Verdict, keep, report
from core.reaper.others.facts import STUCK, UNATTENDED, Resource


def judge(notebook: Resource, now: datetime) -> Verdict:
    """Report one that runs for long or hangs in a change; its last change is when it was started."""
    lasted = now - notebook.modified
    if notebook.status in ("Stopped", "Failed"):
        return keep(f"it is {notebook.status}: only its volume bills")
    if notebook.status != "InService":
        if lasted <= STUCK:
            return keep(f"its status is {notebook.status}")
        return report(
            f"it has been in {notebook.status} for {lasted / HOUR:.1f} h and may bill:"
            " look at it in the console"
        )
    if lasted < UNATTENDED:
        return keep(f"running for {lasted / HOUR:.1f} h; reported after {UNATTENDED / HOUR:.0f} h")
    return report(
        f"running for {lasted / HOUR:.1f} h, and AWS does not say whether anyone uses it: to stop it,"
        f" aws sagemaker stop-notebook-instance --notebook-instance-name {notebook.name}"
    )
