"""The metadata filters of QueryVectors: which are valid, and which vectors they keep. Pure functions.

Source: Amazon S3 User Guide, "Metadata filtering" of S3 Vectors.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.protocol import ApiError, validation

RANGES: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
PRIMITIVES = (str, int, float, bool)


def check(given: Any, non_filterable: frozenset[str]) -> None:
    """Hold a filter to the language of S3 Vectors.

    Raises:
        ApiError: ValidationException, for an unknown operator, a wrong operand or a key that cannot filter.
    """
    if not isinstance(given, Mapping) or not given:
        raise _invalid("it must be an object with at least one condition")
    for key, condition in given.items():
        if key in ("$and", "$or"):
            if not isinstance(condition, list) or not condition:
                raise _invalid(f"{key} needs a non-empty array of filters")
            for each in condition:
                check(each, non_filterable)
        elif key.startswith("$"):
            raise _invalid(f"{key} is no operator at this place")
        elif key in non_filterable:
            raise _invalid(f"{key} is a non-filterable metadata key")
        elif isinstance(condition, Mapping):
            for name, operand in condition.items():
                _check_operand(name, operand)
        elif not isinstance(condition, PRIMITIVES):
            raise _invalid(f"{key} must be compared with a string, a number or a boolean")


def _check_operand(name: str, operand: Any) -> None:
    number = isinstance(operand, int | float) and not isinstance(operand, bool)
    array = isinstance(operand, list) and operand and all(isinstance(each, PRIMITIVES) for each in operand)
    valid = {
        **dict.fromkeys(("$eq", "$ne"), isinstance(operand, PRIMITIVES)),
        **dict.fromkeys(RANGES, number),
        **dict.fromkeys(("$in", "$nin"), bool(array)),
        "$exists": isinstance(operand, bool),
    }
    if name not in valid:
        raise _invalid(f"{name} is no operator")
    if not valid[name]:
        raise _invalid(f"{operand!r} is no operand of {name}")


def matches(given: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Whether a valid filter keeps a vector with this metadata."""
    return all(_holds(key, condition, metadata) for key, condition in given.items())


def _holds(key: str, condition: Any, metadata: Mapping[str, Any]) -> bool:
    if key == "$and":
        return all(matches(each, metadata) for each in condition)
    if key == "$or":
        return any(matches(each, metadata) for each in condition)
    operators = condition if isinstance(condition, Mapping) else {"$eq": condition}
    return all(_compares(name, operand, metadata.get(key)) for name, operand in operators.items())


def _compares(name: str, operand: Any, value: Any) -> bool:
    if name == "$exists":
        return (value is not None) is operand
    values = value if isinstance(value, list) else [] if value is None else [value]
    if name in RANGES:
        numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
        return any(RANGES[name](each, operand) for each in numbers)
    wanted = operand if isinstance(operand, list) else [operand]
    found = any(_same(each, one) for each in values for one in wanted)
    return not found if name in ("$ne", "$nin") else found


def _same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _invalid(reason: str) -> ApiError:
    return validation(f"Invalid query filter: {reason}")
