"""Finds the faults of a state machine's definition, as ValidateStateMachineDefinition reports them.

Sources: Step Functions API Reference, ValidateStateMachineDefinition (result, severity, code); Amazon States
Language specification, "Transitions" and "Task State"; developer guide, "Learning to use AWS service SDK
integrations" (names of services and actions, parameters in PascalCase).
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

SDK = "arn:aws:states:::aws-sdk:"
_TYPES = ("Task", "Choice", "Pass", "Wait", "Parallel", "Map", "Succeed", "Fail")
_BOTO = {"cloudwatchlogs": "logs", "sfn": "stepfunctions"}
"""Services that the integrations name otherwise than botocore."""


def validation(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of ValidateStateMachineDefinition."""
    found = [
        {"severity": "ERROR", "code": code, "message": message, "location": place}
        for code, message, place in _problems(str(request.get("definition", "")))
    ]
    return {"result": "FAIL" if found else "OK", "diagnostics": found, "truncated": False}


Problem = tuple[str, str, str]


def _problems(text: str) -> Iterator[Problem]:
    try:
        definition = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield "INVALID_JSON_DESCRIPTION", f"The definition is not JSON: {error}", "/"
        return
    states = definition.get("States") if isinstance(definition, dict) else None
    if not isinstance(states, dict) or not states:
        yield "SCHEMA_VALIDATION_FAILED", "Field 'States' must be an object with at least one state", "/"
        return
    if definition.get("StartAt") not in states:
        yield "MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {definition.get('StartAt')}", "/StartAt"
    for name, state in states.items():
        place = f"/States/{name}"
        if state.get("Type") not in _TYPES:
            yield "SCHEMA_VALIDATION_FAILED", f"Type {state.get('Type')} is not known", f"{place}/Type"
        for target in _targets(state):
            if target not in states:
                yield "MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", place
        if str(state.get("Resource", "")).startswith(SDK):
            yield from _integration(state, place)


def _targets(state: Mapping[str, Any]) -> Iterator[str]:
    for entry in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        if "Next" in entry:
            yield str(entry["Next"])
    if "Default" in state:
        yield str(state["Default"])


def _integration(state: Mapping[str, Any], place: str) -> Iterator[Problem]:
    service, _, action = state["Resource"].removeprefix(SDK).partition(":")
    model = _model(_BOTO.get(service, service))
    operation = action[:1].upper() + action[1:]
    if model is None or operation not in model.operation_names:
        message = f"The resource provided {state['Resource']} is not recognized"
        yield "SCHEMA_VALIDATION_FAILED", message, f"{place}/Resource"
        return
    shape = model.operation_model(operation).input_shape
    yield from _fields(state.get("Parameters", {}), shape, f"{place}/Parameters")


def _fields(value: Any, shape: Shape | None, place: str) -> Iterator[Problem]:
    if isinstance(value, Mapping) and shape is not None and shape.type_name == "structure":
        known = {name[:1].upper() + name[1:]: member for name, member in shape.members.items()}
        for name, inner in value.items():
            plain = name.removesuffix(".$")
            if plain not in known:
                message = f"The field '{plain}' is not supported by Step Functions"
                yield "SCHEMA_VALIDATION_FAILED", message, f"{place}/{plain}"
            elif plain == name:
                yield from _fields(inner, known[plain], f"{place}/{plain}")
    elif isinstance(value, list) and shape is not None and shape.type_name == "list":
        for number, inner in enumerate(value):
            yield from _fields(inner, shape.member, f"{place}/{number}")


@cache
def _model(service: str) -> ServiceModel | None:
    session = botocore.session.get_session()
    return session.get_service_model(service) if service in session.get_available_services() else None
