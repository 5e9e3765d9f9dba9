"""FinQA's programs: `subtract(5829, 5735), divide(#0, 5735)` calculated (Z. Chen et al., "FinQA", 2021).

Standard library only.
"""

import operator
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext


class ProgramError(ValueError):
    """The program cannot be calculated; the message says why."""


def _power(base: Decimal, power: Decimal) -> Decimal:
    if abs(power) > 100:
        raise ProgramError(f"a power of {power} is too large")
    return base**power


#: A program has at most this many steps; the longest of FinQA has 6.
MOST_STEPS = 32
_STEP = re.compile(r"(?P<name>[a-z_]+)\((?P<arguments>[^()]*)\)")
_TABLE: dict[str, Callable[[Sequence[Decimal]], Decimal]] = {
    "table_sum": lambda cells: sum(cells, Decimal(0)),
    "table_average": lambda cells: sum(cells, Decimal(0)) / len(cells),
    "table_max": max,
    "table_min": min,
}
_TWO: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "exp": _power,
    "greater": lambda first, second: Decimal(first > second),
}


def looks_like_program(text: str) -> bool:
    """Whether a text is nothing but steps of a program."""
    rest = _STEP.sub("", text).strip(" ,;.")
    names = [match["name"] for match in _STEP.finditer(text)]
    return bool(names) and not rest and all(name in (*_TWO, *_TABLE) for name in names)


def execute(program: str, table: Sequence[Sequence[str]] = ()) -> Decimal:
    """The result of a program's last step; 1 and 0 stand for yes and no.

    `#0` is the result of the first step, `const_100` is 100, and `table_…` takes the row whose first cell is
    named. Raises ProgramError.
    """
    results: list[Decimal] = []
    steps = list(_STEP.finditer(program))
    if not steps or len(steps) > MOST_STEPS:
        raise ProgramError(f"a program has 1 to {MOST_STEPS} steps, this one {len(steps)}")
    for step in steps:
        arguments = [argument.strip() for argument in step["arguments"].split(",")]
        try:
            with localcontext(prec=40):
                results.append(_step(step["name"], arguments, results, table))
        except (DivisionByZero, InvalidOperation, Overflow) as error:
            raise ProgramError(f"{step[0]} cannot be calculated") from error
    return results[-1]


def _step(
    name: str, arguments: Sequence[str], results: Sequence[Decimal], table: Sequence[Sequence[str]]
) -> Decimal:
    if name.startswith("table_"):
        cells = _row(arguments[0], table)
        if name not in _TABLE:
            raise ProgramError(f"{name} is no operator of FinQA")
        return _TABLE[name](cells)
    if name not in _TWO or len(arguments) != 2:
        raise ProgramError(f"{name} with {len(arguments)} arguments is no operator of FinQA")
    return _TWO[name](*(_value(argument, results) for argument in arguments))


def _value(text: str, results: Sequence[Decimal]) -> Decimal:
    if text.startswith("#"):
        place = text[1:]
        if not place.isdecimal() or int(place) >= len(results):
            raise ProgramError(f"{text} names no earlier step")
        return results[int(place)]
    if text.startswith("const_"):
        return _number(text.removeprefix("const_").replace("m", "-"))
    return _number(text)


def _row(name: str, table: Sequence[Sequence[str]]) -> list[Decimal]:
    for row in table:
        cells = [cell for cell in map(_cell, row[1:]) if cell is not None]
        if cells and row[0].strip().lower() == name.strip().lower():
            return cells
    raise ProgramError(f"the table has no row {name!r} with numbers")


def _cell(text: str) -> Decimal | None:
    match = re.search(r"\(?-?\s?[$€£]?\s?\d[\d,]*(?:\.\d+)?", text)
    if match is None:
        return None
    value = _number(re.sub(r"[^\d.]", "", match[0]))
    return -value if "(" in match[0] or "-" in match[0] else value


def _number(text: str) -> Decimal:
    plain = text.replace(",", "").replace("$", "").strip()
    percent = plain.endswith("%")
    try:
        value = Decimal(plain.removesuffix("%"))
    except InvalidOperation as error:
        raise ProgramError(f"{text!r} is no number") from error
    if not value.is_finite() or abs(value.adjusted()) > 30:
        raise ProgramError(f"{text!r} is no number to calculate with")
    return value / 100 if percent else value
