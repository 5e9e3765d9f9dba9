"""Readers of settings, for recipe, deployment and functions alike: a value, text or JSON, to its type.

A reader raises ValueError that says what to write instead.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import MISSING, field, fields
from typing import Any

TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")

Reader = Callable[[Any], Any]


class Problems(ValueError):
    """Values that cannot be used; `problems` has a line for each: name, value, what to write instead."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def setting(read: Reader, default: Any = MISSING) -> Any:
    """A dataclass's field that `read` reads."""
    return field(default=default, metadata={"read": read})


def readers(settings: Any) -> dict[str, Reader]:
    """The readers of a dataclass's fields by their names."""
    return {each.name: each.metadata["read"] for each in fields(settings) if "read" in each.metadata}


def number(
    low: float, high: float = math.inf, *, above_low: bool = False, below_high: bool = False, wanted: str = ""
) -> Reader:
    """A reader of finite numbers from low to high; `above_low`, `below_high`: without that end.

    `wanted`: what to write, if there is more to say than the range.
    """
    most = f" and {'less than' if below_high else 'at most'} {high:g}" if high < math.inf else ""
    wanted = wanted or f"write a number {'greater than' if above_low else 'of at least'} {low:g}{most}"

    def read(raw: Any) -> float:
        value = _float(raw)
        ends = (low,) * above_low + (high,) * below_high
        if not math.isfinite(value) or not low <= value <= high or value in ends:
            raise ValueError(wanted)
        return value

    return read


def whole(low: int, high: float = math.inf, what: str = "", *, minus_one: str = "") -> Reader:
    """A reader of whole numbers from low to high.

    Args:
        what: says what is counted.
        minus_one: says what -1 means where it is allowed.
    """
    span = f"from {low} to {high}" if high < math.inf else f"of at least {low}"
    wanted = f"write {f'{what} as ' if what else ''}a whole number {span}"
    wanted += f", or -1 ({minus_one})" if minus_one else ""

    def read(raw: Any) -> int:
        value = _float(raw)
        if not value.is_integer() or not (low <= value <= high or (value == -1 and minus_one)):
            raise ValueError(wanted)
        return int(value)

    return read


def flag(raw: Any) -> bool:
    """Read true or false."""
    text = str(raw).strip().lower()
    if text not in TRUE + FALSE:
        raise ValueError("write true or false")
    return text in TRUE


def one_of(*choices: str, more: str = "") -> Reader:
    """A reader of one of these words, in any case; `more`: what else to say about them."""

    def read(raw: Any) -> str:
        text = str(raw).strip().lower()
        if text not in choices:
            raise ValueError(f"write {', '.join(choices[:-1])} or {choices[-1]}{more}")
        return text

    return read


def _float(raw: Any) -> float:
    """The number that a value is or spells; NaN if it is none."""
    try:
        return math.nan if isinstance(raw, bool) else float(raw)
    except (TypeError, ValueError, OverflowError):
        return math.nan
