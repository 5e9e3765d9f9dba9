"""Compares the numbers of a line with the right ones: which is meant, its sign, its scale, its precision.

Standard library only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, localcontext

from training.evaluation.figures import QUANTITY, SCALES, Quantity, digits, quantities, span_of_time
from training.evaluation.wording import DIRECTION, declines, direction_of, directions

OUTCOMES = RIGHT, WRONG_SCALE, DECLINED, WRONG = ("right", "wrong scale", "declined", "wrong")

#: How many words before a number, and how many after it, are searched for the direction.
_WORDS_BEFORE, _WORDS_AFTER = 10, 2
#: Asks for a change in either direction: "the change in the loss", "increase / (decrease)".
_CHANGE = re.compile(r"\bchanges?\b|\bincrease\s*/\s*\(?decrease", re.IGNORECASE)
#: Before a number: "not 5 but 6".
_DENIED = re.compile(r"\b(?:not|never|isn't|wasn't|aren't|weren't)\s+$", re.IGNORECASE)
#: Before a number that the answer is compared with.
_COMPARED = re.compile(
    r"\b(?:from|against|versus|vs\.?|compared (?:with|to)|than|between|not|instead of)\s+(?:about\s+)?"
    rf"{QUANTITY.pattern}(?:\s+(?:to|and)\s+)?",
    re.IGNORECASE,
)
_PERCENT = Decimal("0.01")
#: Where a clause ends whose words give a number its direction, and where one ends that has its own year.
_SENTENCE = re.compile(
    r"(?<!i\.e)(?<!e\.g)[;.]\s|,\s(?!or\b|by\b|i\.e\.|that is\b|namely\b)"
    r"|\sand\s(?=[^,;]*\b(?:was|were|is)\b)"
)
_CLAUSE = re.compile(r",\s|;\s|\s(?:and|while|whereas|but|compared|versus|vs)\b|[()]")
_BOUND = re.compile(r"\b(?:(?:more|less|fewer|higher|lower) than|up to)$", re.IGNORECASE)
#: The scale that a question wants: "…, in millions?"
_IN_SCALE = re.compile(
    r"\bin (?:[$€£¥]\s?|us |u\.s\. )?(thousands?|millions?|billions?)\b(?! of)", re.IGNORECASE
)
_SHARES = (_PERCENT, Decimal("0.0001"))
_RATE = re.compile(
    r"\b(?:percent\w*|points?|rate|margin|share|growth|grow|grew|grown|yield|proportion|fraction|change)\b|%",
    re.IGNORECASE,
)
#: Before a number that something rose or fell by.
_MOVED = re.compile(rf"{DIRECTION.pattern}\s+(?:by\s+)?$", re.IGNORECASE)
#: What may be above or below zero.
_EITHER_SIGN = re.compile(
    r"\b(?:profits?|ebitd?a?|earnings|eps|cash flows?|results?|returns?|income(?! tax| from))\b",
    re.IGNORECASE,
)
#: Before the result of a sum: "5 + 1 = 6", "5 and 1 make 6".
_RESULT = re.compile(r"=|\b(?:gives?|equals?|yields?|makes?|results? in|comes? (?:out )?(?:to|at))\s")
_USED = re.compile(r"\bcash used\b", re.IGNORECASE)
_NOTHING = re.compile(r"(?:nil|none|nothing|no)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a number is compared: the answers' scale, the question, and whether it is a calculated one."""

    scale: str
    question: str
    exact: bool


def in_scale(question: str) -> str:
    """The scale that a question wants its answer in: "million"; "" where it names none."""
    named = _IN_SCALE.search(question)
    return named[1].lower().removesuffix("s") if named else ""


def compare_numbers(line: str, rights: Sequence[Quantity], right_texts: Sequence[str], wanted: Wanted) -> str:
    """Whether a line gives all the right numbers: RIGHT, WRONG_SCALE or WRONG."""
    if len(rights) == 1:
        given = _chosen(line, rights[0], wanted)
        if given is None and rights[0].value == 0 and _NOTHING.match(line) and not declines(line):
            return RIGHT
        if given is None or _other_span(given, line, rights[0], right_texts[0]):
            return WRONG
        return _verdict(given, rights[0], line, wanted)
    written = _relevant(quantities(line), rights, wanted.question)
    if len(written) != len(rights):
        return WRONG
    outcomes = []
    left = list(written)
    for right in rights:
        verdicts = [_verdict(quantity, right, line, wanted) for quantity in left]
        best = next((kind for kind in (RIGHT, WRONG_SCALE) if kind in verdicts), None)
        if best is None:
            return WRONG
        outcomes.append(best)
        del left[verdicts.index(best)]
    return WRONG_SCALE if WRONG_SCALE in outcomes else RIGHT


def _other_span(given: Quantity, line: str, right: Quantity, right_text: str) -> bool:
    """Whether both are spans of time, in different units: 10 months are not 10 years."""
    spans = span_of_time(line, given), span_of_time(right_text, right)
    return all(spans) and spans[0] != spans[1]


def _relevant(given: Sequence[Quantity], rights: Sequence[Quantity], question: str) -> list[Quantity]:
    """The numbers of a line without years and what the question states, where that leaves any."""
    wanted = {right.value for right in rights}
    stated = {quantity.value for quantity in quantities(digits(question))} - wanted
    kept = [each for each in given if (abs(each.value) if _is_year(each) else each.value) not in stated]
    asked_years = any(_is_year(quantity) for quantity in quantities(question))
    if not asked_years and not any(_is_year(right) for right in rights):
        kept = [quantity for quantity in kept if not _is_year(quantity)] or kept
    return kept or list(given)


def _is_year(quantity: Quantity) -> bool:
    bare = quantity.scale is None and not quantity.unit and quantity.decimals == 0
    return bare and quantity.digits == 4 and 1900 <= abs(quantity.value) <= 2100


def _chosen(line: str, right: Quantity, wanted: Wanted) -> Quantity | None:
    """The number that a line gives as its answer; None if it gives none, or a choice of two."""
    result = max((match.end() for match in _RESULT.finditer(line)), default=0)
    if result and (after := quantities(line[result:])):
        return replace(after[0], start=after[0].start + result, end=after[0].end + result)
    given = _relevant(quantities(line), [right], wanted.question)
    given = [quantity for quantity in given if not _DENIED.search(line[: quantity.start])]
    percent = wanted.scale == "percent" or right.scale == _PERCENT
    asks_change = _CHANGE.search(wanted.question) or directions(wanted.question)
    moved = [
        each
        for each in given
        if asks_change and (each.scale == _PERCENT) is percent and _MOVED.search(line[: each.start])
    ]
    given = moved or _of_the_year(line, given, wanted.question) or given
    compared = [*_COMPARED.finditer(line)]
    reached = {match.end() for match in compared if match.group().rstrip().endswith(("to", "and"))}
    kept = [
        quantity
        for quantity in given
        if not any(match.start() <= quantity.start < match.end() for match in compared)
        and quantity.start not in reached
    ]
    kept = kept or [quantity for quantity in given if quantity.start in reached] or given
    if percent or right.unit or right.scale or wanted.scale:
        kept = [quantity for quantity in kept if (quantity.scale == _PERCENT) is percent] or kept
    return None if len(kept) > 1 and _is_choice(line, kept[0], kept[1]) else next(iter(kept), None)


def _of_the_year(line: str, given: Sequence[Quantity], question: str) -> list[Quantity]:
    """The numbers that stand with the one year that the question names: "1,180 in 2022 and 1,250 in 2023"."""
    years = {abs(quantity.value) for quantity in quantities(question) if _is_year(quantity)}
    if len(years) != 1 or len(given) < 2:
        return []
    found, start = [], 0
    for end in [match.start() for match in _CLAUSE.finditer(line)] + [len(line)]:
        if {abs(each.value) for each in quantities(line[start:end]) if _is_year(each)} == years:
            found += [quantity for quantity in given if start <= quantity.start < end]
        start = end
    return found


def _is_choice(line: str, first: Quantity, second: Quantity) -> bool:
    """Whether two numbers of one kind and different size are offered: "17 or 18"."""
    between = line[first.end : second.start]
    if re.fullmatch(r"\s*(?:or|to|[-–])\s*", between) is None:
        return False
    if second.value == 1:  # a ratio: "0.88 to 1"
        return False
    if "to" in between and first.scale not in (None, *_SHARES) and _MOVED.search(line[: first.start]):
        return False  # "rose $23 million to $61 million"
    kinds = {quantity.scale == _PERCENT for quantity in (first, second)}
    sizes = {abs(quantity.value) * (quantity.scale or second.scale or 1) for quantity in (first, second)}
    return len(kinds) == 1 and len(sizes) == 2


def _verdict(given: Quantity, right: Quantity, line: str, wanted: Wanted) -> str:
    if given.unit and right.unit and given.unit != right.unit:
        return WRONG
    factor = right.scale or (Decimal(SCALES[wanted.scale]) if wanted.scale else Decimal(1))
    values = _signed(given, right, line, wanted.question)
    with localcontext(prec=60):  # the longest numbers read, in the smallest scale
        scales = [(given.scale or Decimal(1)) / factor] + [Decimal(1)] * (given.scale is None)
        percent = factor == _PERCENT
        if factor == 1 and not right.unit and given.scale in _SHARES and _RATE.search(wanted.question):
            scales.append(given.scale / _PERCENT)  # "What share …?" 58

        def found(shifts: Sequence[Decimal]) -> bool:
            pairs = ((value, shift) for shift in shifts for value in values)
            return any(_equal(value, given, shift, right, wanted, percent) for value, shift in pairs)

        if found(scales):
            return RIGHT
        powers = [Decimal(10) ** power for power in (-9, -6, -3, -2, 2, 3, 6, 9)]
        others = [scale * power for scale in scales for power in powers]
        return WRONG_SCALE if right.value and found(others) else WRONG


def _signed(given: Quantity, right: Quantity, line: str, question: str) -> list[Decimal]:
    """The values that a number may mean, by the words around it and the question's."""
    size = abs(given.value)
    direction = _direction(line, given)
    if not direction and _USED.search(line[: given.start]) and not _USED.search(question):
        direction = "down"
    asked = set() if _CHANGE.search(question) else directions(question)  # a change may go either way
    if direction == "down":
        return [-size, size] if asked == {"down"} and right.value > 0 else [-size]
    if direction == "up" and (right.value < 0 or asked == {"down"}):
        return [size if right.value < 0 else -size]
    if asked == {"down"}:  # a decrease of −5 and of 5 are the same
        return [size, -size]
    if right.bracketed and not asked and _EITHER_SIGN.search(question):
        return [given.value]  # brackets are a minus where what is asked for may be above or below zero
    if given.bracketed or right.bracketed:
        return [given.value, -given.value]
    return [given.value]


def _direction(line: str, given: Quantity) -> str:
    """The direction that the words nearest to a number give it: "down", "up" or "".

    What a figure fell or rose *to* has no direction, and "more than 5" has none.
    """
    before = " ".join(_SENTENCE.split(line[: given.start])[-1].split()[-_WORDS_BEFORE:])
    before = _BOUND.sub("", before)
    reached = re.search(r"\b(?:to|at)$", before)
    found = [match for match in DIRECTION.finditer(before) if not (reached and match["moved"])]
    if found:
        return "" if found[-1]["high"] and given.value < 0 else direction_of(found[-1])
    after = re.match(
        rf"(?:[\s-]+\w+)??\s+{DIRECTION.pattern}(?!\s+(?:from|[$€£¥\d]))", line[given.end :], re.IGNORECASE
    )
    return direction_of(after) if after else ""


def _equal(
    value: Decimal, given: Quantity, shift: Decimal, right: Quantity, wanted: Wanted, percent: bool
) -> bool:
    """Whether ``value`` × ``shift`` is the right number, at the coarser of both precisions."""
    number = value * shift
    if number == right.value:
        return True
    fine = max(right.decimals, 2) if wanted.exact else right.decimals
    written = given.decimals - shift.adjusted()  # decimals of the prediction in the answer's scale
    if written >= fine:
        return _rounded(number, fine) == right.value
    enough = given.digits >= 3 or (percent and written >= 1)
    return enough and _rounded(right.value, written) == number


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
