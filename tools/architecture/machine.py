"""The state machine's way to success, read from its definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Definition = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A task or a choice on the way.

    `call`: what a task asks for ("" of a choice); `others`: where a choice may lead instead.
    """

    name: str
    call: str
    others: tuple[str, ...] = ()


def way(definition: Definition, end: str, functions: Mapping[str, str]) -> tuple[Step, ...]:
    """The tasks and choices on the longest way from the start to `end` that meets no state twice.

    The longest, since optional work (waking the endpoint) is to be seen too. Failures (Catch) are no way.

    Args:
        functions: names of Lambda functions, by what the definition calls them.

    Raises:
        ValueError: no way leads there.
    """
    longest = max(_ways(definition, [definition["StartAt"]], end), key=len, default=None)
    if longest is None:
        raise ValueError(f"no way leads from {definition['StartAt']} to {end}")
    states = definition["States"]
    return tuple(
        _step(name, states[name], set(longest), functions)
        for name in longest
        if states[name]["Type"] in ("Task", "Choice")
    )


def failures(definition: Definition) -> tuple[int, int]:
    """How many tasks there are, and how many of them catch every error."""
    tasks = [state for state in definition["States"].values() if state["Type"] == "Task"]
    catching = [
        task for task in tasks if any("States.ALL" in catch["ErrorEquals"] for catch in task.get("Catch", []))
    ]
    return len(tasks), len(catching)


def _ways(definition: Definition, begun: list[str], end: str) -> Iterator[list[str]]:
    if begun[-1] == end:
        yield begun
        return
    for following in _following(definition["States"][begun[-1]]):
        if following not in begun:
            yield from _ways(definition, [*begun, following], end)


def _following(state: dict[str, Any]) -> list[str]:
    found = [choice["Next"] for choice in state.get("Choices", [])]
    return [*found, *(state[key] for key in ("Default", "Next") if key in state)]


def _step(name: str, state: dict[str, Any], on_the_way: set[str], functions: Mapping[str, str]) -> Step:
    if state["Type"] == "Choice":
        others = [other for other in _following(state) if other not in on_the_way]
        return Step(name=name, call="", others=tuple(dict.fromkeys(others)))
    service, _, operation = state["Resource"].rpartition(":")
    if service.endswith("lambda"):
        return Step(name=name, call=f"λ {functions[state['Parameters']['FunctionName']]}")
    return Step(name=name, call=operation)
