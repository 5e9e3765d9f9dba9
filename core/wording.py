"""Durations and changes in words, for every part of the product. Pure."""

from datetime import timedelta


def minutes(length: timedelta) -> str:
    """`1 minute`, `60 minutes`."""
    count = round(length / timedelta(minutes=1))
    return f"{count} minute{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds as `7.4 s`, `52 s`, `3 min 05 s` or `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def signed(value: float, digits: int = 3) -> str:
    """A change with its sign, a real minus included: `−0.357` or `+0.020`; what rounds to zero has none."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if any(digit in text for digit in "123456789") else text[1:]
