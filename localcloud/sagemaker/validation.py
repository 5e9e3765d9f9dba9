"""Requests checked against botocore's service model, and answers cut to it.

botocore's own validator leaves enums and patterns to the service, so the service's checks are here, in its
words: "1 validation error detected: Value 'x' at 'trainingJobName' failed to satisfy constraint: Member
must …".
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.utils import parse_timestamp

from localcloud.protocol import ApiError, validation

NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float)}
TEXTS = ("string", "character", "blob")
# Java's character classes, as close as `re` comes: its \w covers letters, marks and digits of every script
JAVA_CLASSES = {r"\p{L}": r"\w", r"\p{M}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{Alnum}": "a-zA-Z0-9"}
UNCHECKED_CLASSES = (r"\p{S}", r"\p{P}", r"\uD800")  # symbols, punctuation, surrogates: `re` has no like


@functools.cache
def service_model(service: str = "sagemaker") -> ServiceModel:
    """botocore's model of the service (read from disk once)."""
    return botocore.session.get_session().get_service_model(service)


def operation_model(operation: str) -> OperationModel:
    """The model of one operation of the control plane.

    Raises:
        ApiError: UnknownOperationException, if SageMaker has no such operation.
    """
    model = service_model()
    if operation not in model.operation_names:
        raise ApiError("UnknownOperationException", f"SageMaker has no operation {operation!r}.")
    return model.operation_model(operation)


def check(params: Mapping[str, Any], shape: Shape) -> None:
    """Hold a request to its shape: types, required and unknown members, lengths, ranges, patterns, enums.

    Raises:
        ApiError: ValidationException that names every problem, or SerializationException for a wrong type.
    """
    problems = list(_problems(params, shape, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise validation(f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")


def coerce(params: Any, shape: Shape) -> Any:
    """Give every value its shape's type, as CloudFormation does with a template's "1" and "true".

    Values that do not fit are left for `check` to name.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(params, Mapping):
        return {k: coerce(v, shape.members[k]) if k in shape.members else v for k, v in params.items()}
    if kind == "list" and isinstance(params, list):
        return [coerce(item, shape.member) for item in params]
    if kind == "map" and isinstance(params, Mapping):
        return {k: coerce(v, shape.value) for k, v in params.items()}
    if kind in TEXTS and isinstance(params, bool | int | float):
        return json.dumps(params)
    if kind == "boolean" and params in ("true", "false"):
        return bool(params == "true")
    if kind in NUMBERS:
        return _number(params, whole=kind in ("integer", "long"))
    return params


def pick(record: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The members of a record that an answer's shape has."""
    return {key: value for key, value in record.items() if key in shape.members and value is not None}


def timestamp(value: Any) -> datetime:
    """A request's time (epoch seconds, ISO 8601 or datetime), timezone-aware."""
    parsed: datetime = value if isinstance(value, datetime) else parse_timestamp(value)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


@functools.lru_cache(maxsize=1024)
def pattern(expression: str) -> re.Pattern[str] | None:
    """The model's Java pattern as a Python one; None where Python has nothing like it."""
    if any(name in expression for name in UNCHECKED_CLASSES):
        return None
    for java, ours in JAVA_CLASSES.items():
        expression = expression.replace(java, ours)
    # a few of the model's patterns repeat their closing "$", which Java allows and `re` does not
    return re.compile(re.sub(r"\$\{\d+,\d+\}$", "", expression))


def _number(value: Any, *, whole: bool) -> Any:
    if isinstance(value, float) and whole and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value) if whole else float(value)
        except ValueError:
            return value
    return value


def _problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):  # any JSON; the service says what it takes
        return
    if kind == "structure":
        yield from _structure_problems(_typed(value, Mapping, path, "an object"), shape, path)
    elif kind == "list":
        items = _typed(value, list, path, "a list")
        yield from _length_problems(items, shape, path)
        for index, item in enumerate(items, 1):
            yield from _problems(item, shape.member, f"{path}.{index}.member")
    elif kind == "map":
        entries = _typed(value, Mapping, path, "an object")
        yield from _length_problems(entries, shape, path)
        for key, item in entries.items():
            yield from _problems(key, shape.key, path)
            yield from _problems(item, shape.value, f"{path}.{key}.member")
    elif kind in TEXTS:
        yield from _text_problems(_typed(value, str | bytes, path, "a string"), shape, path)
    elif kind == "boolean":
        _typed(value, bool, path, "true or false")
    elif kind in NUMBERS:
        yield from _number_problems(_typed(value, NUMBERS[kind], path, "a number"), shape, path)
    elif kind == "timestamp":
        _timestamp(value, path)


def _structure_problems(value: Mapping[str, Any], shape: Shape, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name not in shape.members:
            known = ", ".join(shape.members)
            yield f"Unknown parameter in {path or 'input'}: '{name}', must be one of: {known}"
        elif item is not None:
            yield from _problems(item, shape.members[name], _join(path, name))
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"Value at '{path}' failed to satisfy constraint: exactly one member must be set"


def _length_problems(value: Any, shape: Shape, path: str, shown: str | None = None) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    text = f"Value '{value if shown is None else shown}' at '{path}' failed to satisfy constraint: "
    if least is not None and len(value) < least:
        yield f"{text}Member must have length greater than or equal to {least}"
    if most is not None and len(value) > most:
        yield f"{text}Member must have length less than or equal to {most}"


def _text_problems(value: str | bytes, shape: Shape, path: str) -> Iterator[str]:
    shown = "***Sensitive Information***" if shape.metadata.get("sensitive") else str(value)
    yield from _length_problems(value, shape, path, shown)
    text = f"Value '{shown}' at '{path}' failed to satisfy constraint: "
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        yield f"{text}Member must satisfy enum value set: [{', '.join(enum)}]"
    expression = shape.metadata.get("pattern")
    compiled = pattern(expression) if expression else None
    if compiled and isinstance(value, str) and not compiled.fullmatch(value):
        yield f"{text}Member must satisfy regular expression pattern: {expression}"


def _number_problems(value: float, shape: Shape, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    text = f"Value '{value}' at '{path}' failed to satisfy constraint: "
    if least is not None and value < least:
        yield f"{text}Member must have value greater than or equal to {least}"
    if most is not None and value > most:
        yield f"{text}Member must have value less than or equal to {most}"


def _typed(value: Any, kind: Any, path: str, wanted: str) -> Any:
    wrong_boolean = isinstance(value, bool) and kind is not bool
    if wrong_boolean or not isinstance(value, kind):
        where = f"'{path}'" if path else "the request"
        raise ApiError("SerializationException", f"{where} must be {wanted}, not {type(value).__name__}.")
    return value


def _timestamp(value: Any, path: str) -> None:
    try:
        timestamp(value)
    except (ValueError, TypeError, OverflowError):
        raise ApiError("SerializationException", f"'{path}' must be a time, not {value!r}.") from None


def _join(path: str, name: str) -> str:
    """AWS writes members in lower camel case: "stoppingCondition.maxRuntimeInSeconds"."""
    return f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
