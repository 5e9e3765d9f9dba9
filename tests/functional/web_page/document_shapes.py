"""Whether two JSON documents have the same shape: the same names, with values of the same kinds."""

from collections.abc import Iterator
from typing import Any

#: Objects whose names are data.
FREE = ("settings", "versions", "private")


def differences(real: Any, scripted: Any, place: str = "") -> list[str]:
    """Where they differ, a line each. A list is known by its first entry; null and an empty list fit all."""
    return list(_differences(real, scripted, place or "document"))


def _differences(real: Any, scripted: Any, place: str) -> Iterator[str]:
    if real is None or scripted is None:
        return
    if _kind(real) != _kind(scripted):
        yield f"{place}: {_kind(real)}, scripted as {_kind(scripted)}"
    elif isinstance(real, dict) and place.rpartition(".")[2] not in FREE:
        if real.keys() != scripted.keys():
            yield f"{place}: {sorted(real.keys() ^ scripted.keys())} in one only"
        for name in real.keys() & scripted.keys():
            yield from _differences(real[name], scripted[name], f"{place}.{name}")
    elif isinstance(real, list) and real and scripted:
        yield from _differences(real[0], scripted[0], f"{place}[0]")


def _kind(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__
