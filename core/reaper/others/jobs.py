"""Judges training and processing jobs by the time at which they should have ended."""

from datetime import datetime, timedelta

from core.money.time import HOUR
from core.reaper.facts import Verdict, keep, report
from core.reaper.others.facts import STUCK, Resource
from core.reaper.rules.protection import moment
from core.reaper.settings import Kind

#: ISO date-time by which a job should be done, for people who know better than its time limit.
EXPECTED_END_TAG = "finexpert:expected-end"
#: AWS stops a job at its limit with a notice of two minutes, then uploads what it made.
GRACE = timedelta(minutes=15)
#: A job without any limit is reported after this long.
NO_LIMIT = timedelta(hours=24)
STOP = {
    Kind.TRAINING: "aws sagemaker stop-training-job --training-job-name",
    Kind.PROCESSING: "aws sagemaker stop-processing-job --processing-job-name",
}


def expected_end(job: Resource) -> datetime | None:
    """The earliest of: tag, start + time limit, creation + longest wait of a spot job; None if unknown."""
    detail = job.known
    ends = [moment(job.known_tags.get(EXPECTED_END_TAG, ""))]
    if detail and detail.started and detail.limit:
        ends.append(detail.started + detail.limit)
    if detail and detail.wait_limit:
        ends.append(job.created + detail.wait_limit)
    return min((end for end in ends if end), default=None)


def judge(job: Resource, now: datetime) -> Verdict:
    """Report a job that is past its end, hangs in Stopping, or has no end."""
    stop = f"{STOP[job.kind]} {job.name}"
    if job.status == "Stopping":
        lasted = now - job.modified
        if lasted <= STUCK:
            return keep("it is being stopped")
        return report(f"it has been in Stopping for {lasted / HOUR:.1f} h and may bill: ask AWS support")
    end = expected_end(job)
    if end is not None and now > end + GRACE:
        return report(f"it should have ended {(now - end) / HOUR:.1f} h ago and still bills: {stop}")
    if end is not None:
        return keep(f"it runs until {end:%Y-%m-%d %H:%M} UTC at the latest")
    started = job.known.started if job.known else None
    if started is None:
        return keep("it has not started: nothing bills yet")
    if now - started > NO_LIMIT:
        return report(f"it has run for {(now - started) / HOUR:.1f} h and has no time limit: {stop}")
    return keep("it runs, without a time limit")
