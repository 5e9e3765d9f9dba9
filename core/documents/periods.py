"""Fiscal years and quarters: from dates to a company's names for them, and from words to dates."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from core.documents.model import Cover

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul"),
            *("august aug", "september sept sep", "october oct", "november nov", "december dec"),
        ),
        1,
    )
    for name in names.split()
}
MONTH = r"(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({MONTH}),?\s+((?:19|20)\d\d)\b", re.I)
MONTH_FIRST = re.compile(rf"\b({MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s+((?:19|20)\d\d)\b", re.I)
ISO = re.compile(r"\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b")
SLACK_DAYS = 10
"""52- and 53-week years end up to a week from the same day of the year before."""


@dataclass(frozen=True, order=True)
class Period:
    """A fiscal year, or a part of it: `quarter` 1 to 4, or `months` from its beginning (6 or 9)."""

    year: int
    quarter: int | None = None
    months: int | None = None

    def __str__(self) -> str:
        if self.quarter:
            return f"Q{self.quarter} {self.year}"
        return f"the first {self.months} months of {self.year}" if self.months else f"fiscal {self.year}"


def dates(text: str) -> list[tuple[date, tuple[int, int]]]:
    """Dates that stand in a text, in order, each with its span."""
    found = []
    for pattern, order in ((MONTH_FIRST, (2, 0, 1)), (DAY_FIRST, (2, 1, 0)), (ISO, (0, 1, 2))):
        for match in pattern.finditer(text):
            year, month, day = (match.groups()[index] for index in order)
            try:
                month_number = MONTHS.get(month.lower().rstrip("."), 0) or int(month)
                found.append((date(int(year), month_number, int(day)), match.span()))
            except ValueError:
                continue
    return sorted(found, key=lambda each: each[1])


def on_or_before(year: int, month: int, day: int) -> date:
    """The date with this day, or with the month's last day where the month is shorter."""
    return date(year, month, min(day, monthrange(year, month)[1]))


def fiscal_year(moment: date, cover: Cover) -> int:
    """The fiscal year that a day belongs to, as the company counts."""
    month, day = cover.year_end or (12, 31)
    shift = 0
    if cover.fiscal_year and cover.period_end:
        shift = cover.fiscal_year - _ending(cover.period_end, month, day).year
    return _ending(moment, month, day).year + shift


def _ending(moment: date, month: int, day: int) -> date:
    """The end of the fiscal year that a day lies in."""
    for year in (moment.year - 1, moment.year, moment.year + 1):
        end = on_or_before(year, month, day)
        if (end - moment).days >= -SLACK_DAYS:
            return end
    raise AssertionError("a year later is always on or after")


def period_of(start: date | None, end: date, cover: Cover) -> Period | None:
    """The period that a span of days, or a moment, stands for; None unless it is a quarter, half or year."""
    year, quarter = fiscal_year(end, cover), _quarter(end, cover)
    if start is None:
        return Period(year) if quarter == 4 else Period(year, quarter=quarter)
    days = (end - start).days + 1
    if 350 <= days <= 380:
        return Period(year)
    if 80 <= days <= 100:
        return Period(year, quarter=quarter)
    for months in (6, 9):
        if abs(days - months * 30.4) <= 12:
            return Period(year, months=months)
    return None


def _quarter(end: date, cover: Cover) -> int:
    month, day = cover.year_end or (12, 31)
    left = (_ending(end, month, day) - end).days
    return max(1, 4 - round(max(0, left) / 91.3))
