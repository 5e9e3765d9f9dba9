"""Works out the sums that a model writes as `calc(…)`, exactly, or not at all."""

import re
from decimal import Decimal

_CALC = re.compile(r"calc\(([-+*/().,\d\s%$]+)\)")


def calculated(words: str) -> tuple[str, list[Decimal], str]:
    """Each `calc(…)` of a model's words replaced by its result; results; and the sums as they were."""
    results: list[Decimal] = []
    sums: list[str] = []

    def work(match: re.Match[str]) -> str:
        expression = match[1].replace(",", "").replace("$", "").replace("%", "")
        value = evaluate(expression)
        if value is None:
            return match[1]
        results.append(value)
        sums.append(f"{match[1].strip()} = {value}")
        return str(value)

    return _CALC.sub(work, words), results, "; ".join(sums)


def evaluate(expression: str) -> Decimal | None:
    """The value of a sum of numbers with + - * / and brackets, to six decimals; None if it is none."""
    tokens = re.findall(r"\d+(?:\.\d+)?|[-+*/()]", expression)
    if "".join(tokens) != re.sub(r"\s", "", expression) or len(tokens) > 60:
        return None
    try:
        value, rest = _sum(tokens)
    except (IndexError, ArithmeticError):
        return None
    return None if rest else value.quantize(Decimal("0.000001")).normalize() + 0


def _sum(tokens: list[str]) -> tuple[Decimal, list[str]]:
    value, rest = _product(tokens)
    while rest and rest[0] in "+-":
        other, after = _product(rest[1:])
        value, rest = (value + other if rest[0] == "+" else value - other), after
    return value, rest


def _product(tokens: list[str]) -> tuple[Decimal, list[str]]:
    value, rest = _atom(tokens)
    while rest and rest[0] in "*/":
        other, after = _atom(rest[1:])
        value, rest = (value * other if rest[0] == "*" else value / other), after
    return value, rest


def _atom(tokens: list[str]) -> tuple[Decimal, list[str]]:
    if tokens[0] == "-":
        value, rest = _atom(tokens[1:])
        return -value, rest
    if tokens[0] == "(":
        value, rest = _sum(tokens[1:])
        if rest[0] != ")":
            raise IndexError
        return value, rest[1:]
    if tokens[0] in "+*/)":
        raise IndexError
    return Decimal(tokens[0]), tokens[1:]
