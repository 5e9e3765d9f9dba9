"""Numbers as people read them. Pure text; every screen, table and report of the command line uses these."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.wording import duration, signed

BLOCKS = "▁▂▃▄▅▆▇█"


def usd(amount: float) -> str:
    """Dollars: two decimals from ten cents on, four below, so that a small cost never reads as free."""
    if amount == 0:
        return "$0"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size < 0.0001:
        return f"under {sign}$0.0001"
    # Half a cent goes up, as it does in a browser: 1.515 has no exact value, and would print as 1.51 here.
    places = Decimal("0.01") if size >= 0.1 else Decimal("0.0001")
    return f"{sign}${Decimal(repr(size)).quantize(places, ROUND_HALF_UP):,}"


def size(count: int) -> str:
    """Bytes in decimal units: `812 B`, `64.2 kB`, `8.1 MB`."""
    if count < 1000:
        return f"{count} B"
    units = ("kB", "MB", "GB", "TB")
    power = next((n for n in range(1, len(units)) if count / 1000**n < 999.95), len(units))
    return f"{count / 1000**power:.1f} {units[power - 1]}"


def counted(count: int, noun: str) -> str:
    """`1 region`, `3 regions`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def interval(bounds: Sequence[float], digits: int = 3) -> str:
    """A confidence interval with signs: `[−0.412, −0.301]`."""
    low, high = bounds
    return f"[{signed(low, digits)}, {signed(high, digits)}]"


def when(moment: datetime, now: datetime) -> str:
    """The time since `moment`: `12 s ago`, `3 h 05 min ago`; both timezone-aware."""
    return f"{duration(max(0.0, (now - moment).total_seconds()))} ago"


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """The values as a line of bars, the newest `width` if there are more; flat data is a flat line."""
    shown = list(values)[-width:]
    if not shown:
        return ""
    low, span = min(shown), max(shown) - min(shown)
    if span == 0:
        return BLOCKS[0] * len(shown)
    return "".join(BLOCKS[min(len(BLOCKS) - 1, int((v - low) / span * len(BLOCKS)))] for v in shown)


def plain(value: Any) -> str:
    """A value that JSON has no form for, as text: moments in ISO 8601."""
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def printable(text: str) -> str:
    """Remove what controls a terminal, as logs, names and answers of models may hold it.

    That is control characters but newline and tab, marks of writing direction, other line ends, and halves of
    characters, which cannot be printed.
    """
    return _STEERING.sub("", text)


_STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
