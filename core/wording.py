"""Durations and changes in words, for every part of the product. Pure."""

from datetime import timedelta


def minutes(duration: timedelta) -> str:
    """`1 minute`, `60 minutes`."""
    count = round(duration / timedelta(minutes=1))
    return f"{count} minute{'' if count == 1 else 's'}"


def signed(value: float, digits: int = 3) -> str:
    """A change with its sign, a real minus included: `−0.357` or `+0.020`; what rounds to zero has none."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if any(digit in text for digit in "123456789") else text[1:]
