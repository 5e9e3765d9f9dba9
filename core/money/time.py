"""The month that AWS bills, in UTC."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)


def month_start(now: datetime) -> datetime:
    """The first instant of `now`'s month in UTC: AWS bills calendar months of UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_end(now: datetime) -> datetime:
    """The first instant of the month after `now`'s."""
    start = month_start(now)
    return start + timedelta(days=monthrange(start.year, start.month)[1])


def hours_between(start: datetime, end: datetime, month: datetime) -> float:
    """Hours from `start` to `end` that lie in the month (whose end is not before `end`)."""
    return max(timedelta(0), end - max(start, month)) / HOUR
