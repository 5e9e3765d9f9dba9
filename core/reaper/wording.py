"""Durations as people say them. Pure."""

from __future__ import annotations

from datetime import timedelta


def minutes(duration: timedelta) -> str:
    """`1 minute`, `60 minutes`."""
    count = round(duration / timedelta(minutes=1))
    return f"{count} minute{'' if count == 1 else 's'}"
