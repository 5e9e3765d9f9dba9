"""Figures of a metric in words: bits a byte as they are, shares as per cent."""

from collections.abc import Mapping
from typing import Any

from core.names import BITS
from core.wording import signed


def value(metric: Mapping[str, Any], figure: float) -> str:
    """`2.381` or `41 %`."""
    return f"{figure:.3f}" if metric["unit"] == BITS else f"{figure * 100:.0f} %"


def change(metric: Mapping[str, Any], figure: float) -> str:
    """`−0.502`, or percentage points: `+4`."""
    return signed(figure) if metric["unit"] == BITS else signed(figure * 100, 0)


def interval(metric: Mapping[str, Any]) -> str:
    """`−0.564 to −0.441`."""
    low, high = metric["interval"]
    return f"{change(metric, low)} to {change(metric, high)}"
