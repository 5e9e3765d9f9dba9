"""Which ways of a state machine there are, and which of them an execution has taken."""

import fnmatch
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

Edge = tuple[str, str]
"""A state, and the way out of it: `Next`, `Default`, `Choice 2`, `Catch 0`."""


def edges(definition: dict[str, Any]) -> set[Edge]:
    """Every way out of every state."""
    return {
        (name, way)
        for name, state in definition["States"].items()
        for way in (
            *(key for key in ("Next", "Default") if key in state),
            *(f"Choice {number}" for number in range(len(state.get("Choices", [])))),
            *(f"Catch {number}" for number in range(len(state.get("Catch", [])))),
        )
    }


def taken(definition: dict[str, Any], history: list[dict[str, Any]]) -> set[Edge]:
    """The ways that an execution went, from its history's events."""
    return {
        (name, way_out(definition["States"][name], given, passed_on))
        for (name, given), (_, passed_on) in pairwise(entered(history))
    }


def entered(history: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The states in the order they were entered, each with its input."""
    for event in history:
        if details := event.get("stateEnteredEventDetails"):
            yield details["name"], json.loads(details["input"])


def way_out(state: dict[str, Any], given: dict[str, Any], passed_on: dict[str, Any]) -> str:
    """How a state was left: `given` is its input, `passed_on` that of the next one."""
    if state["Type"] == "Choice":
        held = [number for number, rule in enumerate(state["Choices"]) if holds(rule, given)]
        return f"Choice {held[0]}" if held else "Default"
    for number, catch in enumerate(state.get("Catch", [])):
        error = value_at(passed_on, catch["ResultPath"])
        # An answer may lie at the same place, or the error of an earlier state; only an error has these two.
        if not isinstance(error, dict) or set(error) != {"Error", "Cause"}:
            continue
        new = error != value_at(given, catch["ResultPath"])
        if new and {"States.ALL", error["Error"]} & set(catch["ErrorEquals"]):
            return f"Catch {number}"
    return "Next"


def holds(rule: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether a choice's rule holds; it has only the comparisons that the definition uses."""
    if "And" in rule:
        return all(holds(part, given) for part in rule["And"])
    if "Or" in rule:
        return any(holds(part, given) for part in rule["Or"])
    value = value_at(given, rule["Variable"])
    if "IsPresent" in rule:
        return (value is not None) is rule["IsPresent"]
    if "StringMatches" in rule:
        return fnmatch.fnmatchcase(value, rule["StringMatches"])
    (expected,) = (rule[kind] for kind in ("StringEquals", "BooleanEquals") if kind in rule)
    return bool(value == expected)


def value_at(document: Any, path: str) -> Any:
    """What lies at a path such as `$.job.FailureReason`; None if nothing does."""
    for name in path.split(".")[1:]:
        document = document.get(name) if isinstance(document, dict) else None
    return document
