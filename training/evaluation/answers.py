"""Grading written answers: what a sentence says is compared with the right answer, not how it is worded.

`grade` is the one way in. Standard library only, so that a benchmark can use it without the trainer.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from training.evaluation.programs import ProgramError, execute, looks_like_program

OUTCOMES = RIGHT, WRONG_SCALE, DECLINED, WRONG = ("right", "wrong scale", "declined", "wrong")

_SCALES = {
    "%": "0.01",
    "percent": "0.01",
    "per cent": "0.01",
    "percentage points": "0.01",
    "percentage point": "0.01",
    "pp": "0.01",
    "basis points": "0.0001",
    "basis point": "0.0001",
    "bps": "0.0001",
    "thousand": "1e3",
    "thousands": "1e3",
    "k": "1e3",
    "million": "1e6",
    "millions": "1e6",
    "mln": "1e6",
    "mn": "1e6",
    "mm": "1e6",
    "m": "1e6",
    "billion": "1e9",
    "billions": "1e9",
    "bn": "1e9",
    "b": "1e9",
    "trillion": "1e12",
    "tn": "1e12",
}
_CURRENCIES = {
    "dollars": "$",
    "dollar": "$",
    "usd": "$",
    "euros": "€",
    "euro": "€",
    "eur": "€",
    "pounds": "£",
    "gbp": "£",
    "yen": "¥",
    "jpy": "¥",
}
_WORDS = "|".join(re.escape(word) for word in sorted(_SCALES, key=len, reverse=True) if word != "%")
#: A number with what belongs to it: "$(9.8) million", "-12.6%", "1,496.5", "75 basis points", "3 bn euros".
_QUANTITY = re.compile(
    r"(?<![\w.,])(?P<minus>[-−–])?\s?(?P<unit>(?:US)?[$€£¥]|(?:USD|EUR|GBP|JPY)\s)?\s?(?P<inner>[-−–])?"
    r"(?P<bracket>\()?\s?(?P<late>[$€£¥])?(?P<after>[-−–])?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:\.\d{1,12})?|\.\d{1,12})(?!\d)(?(bracket)\s?%?\s?\)?)"
    rf"(?:\s?(?P<percent>%)|[\s-]?(?P<scale>{_WORDS})\b)?(?:\s(?P<currency>{'|'.join(_CURRENCIES)})\b)?",
    re.IGNORECASE,
)
_DOWN = (
    r"(?:decreas\w*|declin\w*|fell|falls?|fallen|falling|drop\w*|down|lower\w*|reduc\w*|loss(?:es)?|lost"
    r"|negative|minus|shr[aiu]nk\w*|shrinkage|less|fewer|deficit|contract(?:ed|ion)|decrement|worsen\w*)"
)
_UP = (
    r"(?:increas\w*|rose|rises?|risen|rising|grew|grow\w*|gain\w*|up|higher|improv\w*|climb\w*|more"
    r"|positive|plus)"
)
_DIRECTION = re.compile(rf"\b(?:(?P<down>{_DOWN})|(?P<up>{_UP}))\b", re.IGNORECASE)
#: The direction may stand so many words before a number, and so many after it.
_WORDS_BEFORE, _WORDS_AFTER = 8, 2
_COMPARED = re.compile(
    rf"\b(?:from|against|versus|vs\.?|compared (?:with|to)|than|between)\s+(?:about\s+)?{_QUANTITY.pattern}"
    r"(?:\s+(?:to|and)\s+)?",
    re.IGNORECASE,
)
_DECLINED = re.compile(
    r"\bnot (?:given|stated|provided|disclosed|available|reported|mentioned|specified|shown|known|enough"
    r"|possible|applicable|in the (?:text|table|context))\b"
    r"|\b(?:can ?not|can't|could not|unable to) (?:be )?"
    r"(?:determine|answer|calculate|tell|say|find|know|comput)"
    r"|\b(?:in)?sufficient information\b|\bno (?:information|data|answer|mention)\b|\bunknown\b|\bn/?a\b"
    r"|\b(?:do|does|did) ?(?:not|n't) (?:know|say|give|state|provide|contain|disclose|mention|report)\b",
    re.IGNORECASE,
)
_CONNECTIVES = {"and", "or", "as", "well"}
_ARTICLES = {"a", "an", "the"}
#: Words that may stand around an answer without changing it; no negation among them.
_AROUND = frozenset(
    word
    for line in (
        "a an and answer about according approximately around are as at be because been by came",
        "company comes correct due during final following for from had has have in is it its of on our",
        "report reported result so that the their them there these they this those to total totaled",
        "totalled under via was we were which with would year years namely equals equal amount amounts",
        "amounted figure value table text states shows given per",
    )
    for word in line.split()
)
_NEGATIONS = {"not", "no", "never", "neither", "nor", "none", "without", "except", "excluding"}

_ONES = [
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_SPELLED = re.compile(
    rf"\b(?P<tens>{'|'.join(_TENS)})[- ](?P<ones>{'|'.join(_ONES[1:10])})\b"
    rf"|\b(?P<alone>{'|'.join([*_TENS, *sorted(_ONES, key=len, reverse=True)])})\b",
    re.IGNORECASE,
)
_HUNDREDS = re.compile(
    r"(?<![\d.,])(?P<hundreds>[1-9]|a) hundred(?:(?: and)? (?P<rest>\d{1,2}))?(?![\d.,])", re.I
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written.

    Attributes:
        value: the number without its scale.
        decimals: how many decimals were written.
        scale: a factor; None = none named.
        unit: a currency sign or "".
        bracketed: brackets, which may mean a minus, stand around it.
        start: the place of its first character.
        digits: how many significant digits were written.
    """

    value: Decimal
    decimals: int
    scale: Decimal | None
    unit: str
    bracketed: bool
    start: int = 0
    end: int = 0
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Grade:
    """What an answer is worth: ``outcome`` is RIGHT, WRONG, WRONG_SCALE (the right figure, in millions for
    thousands, say) or DECLINED; ``f1`` is TAT-QA's, from 0 to 1."""

    outcome: str
    f1: float

    @property
    def right(self) -> bool:
        """Whether it is the right answer."""
        return self.outcome == RIGHT


def grade(
    prediction: str,
    answers: Sequence[str],
    *,
    scale: str = "",
    question: str = "",
    accepted: Sequence[Sequence[str]] = (),
    exact: bool = False,
    rounded: bool = True,
) -> Grade:
    """Compare the first line of ``prediction`` with the right answer.

    Numbers count as equal if they agree after both scales are applied, to the coarser of both precisions; a
    coarser prediction needs three significant digits, or one decimal of a percentage. A number without a
    scale may be in the answer's. "A decrease of 5" is −5; where the ``question`` asks for the decrease, it is
    5. Number words are numbers, and two different currencies never match. A program in FinQA's operators is
    calculated. Text may differ in case, punctuation, articles and in words that stand around it.

    Args:
        answers: all of them are wanted, in any order.
        scale: of the answers, as in TAT-QA: "", "thousand", "million", "billion" or "percent".
        accepted: other sets of answers that are right too.
        exact: the numbers are calculated ones, known to two decimals even where fewer are written.
        rounded: a coarser prediction may be right.
    """
    line = _first_line(prediction)
    sets = [list(answers), *map(list, accepted)]
    wanted = _Wanted(scale, question, exact, rounded)
    outcomes = [_outcome(line, each, wanted) for each in sets if each]
    f1 = max(
        (_f1(line, each, scale, outcome) for each, outcome in zip(sets, outcomes, strict=False)), default=0.0
    )
    for outcome in (RIGHT, DECLINED, WRONG_SCALE):
        if outcome in outcomes:
            return Grade(outcome, f1)
    return Grade(WRONG, f1)


def exact_match(prediction: str, answers: Sequence[str], *, scale: str = "", question: str = "") -> bool:
    """Whether `grade` finds the answer right, with all decimals of the right one: TAT-QA's stricter
    measure.
    """
    return grade(prediction, answers, scale=scale, question=question, rounded=False).right


def declines(prediction: str) -> bool:
    """Whether an answer says that it cannot be given."""
    return bool(_DECLINED.search(_first_line(prediction)))


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order; letters directly before a number make it part of a name ("Q3")."""
    return [_quantity(match) for match in _QUANTITY.finditer(text)]


def faithfulness(answer: str, context: str) -> float | None:
    """Share of the numbers in ``answer`` that stand in ``context``; None if it has no number.

    Compared as figures, without sign, unit and scale.
    """
    known = {abs(quantity.value) for quantity in quantities(context)}
    written = [abs(quantity.value) for quantity in quantities(answer)]
    return sum(value in known for value in written) / len(written) if written else None


def invented(answer: str, source: str) -> list[Decimal]:
    """The numbers of ``answer`` that neither stand in ``source`` nor follow from two of its numbers.

    Sum, difference, product, quotient and relative change are tried, rounded as the answer is. Small whole
    numbers (up to 10) are let pass, since they count things.
    """
    known = sorted({abs(quantity.value) for quantity in quantities(source)})
    found = []
    for quantity in quantities(answer):
        value = abs(quantity.value)
        if value in known or (value <= 10 and value == value.to_integral_value()):
            continue
        if not _follows(value, quantity.decimals, known):
            found.append(quantity.value)
    return found


def _follows(value: Decimal, decimals: int, known: Sequence[Decimal]) -> bool:
    half = Decimal(1).scaleb(-decimals) / 2
    for first in known:
        for second in known:
            results = [first + second, first - second, first * second]
            if second:
                ratio = first / second
                results += [ratio, ratio * 100, abs(ratio - 1) * 100]
            if any(abs(value - result) <= half for result in results):
                return True
    return False


def _first_line(prediction: str) -> str:
    line = next((line for line in prediction.strip().splitlines()), "").strip()
    return line.strip("\"'“”‘’` ")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How a number is compared: the answers' scale, the question, and the two precisions of `grade`."""

    scale: str
    question: str
    exact: bool
    rounded: bool


def _outcome(line: str, answers: Sequence[str], wanted: _Wanted) -> str:
    if all(declines(answer) for answer in answers):
        return RIGHT if declines(line) else WRONG
    rights = [_whole(_digits(answer)) for answer in answers]
    numbers = [right for right in rights if right is not None]
    if looks_like_program(line) and len(answers) == 1 and numbers:
        try:
            line = f"{execute(line):.6f}"
        except ProgramError:
            return WRONG
    spelled = _digits(line)
    if len(numbers) == len(answers):
        outcome = _numeric(spelled, numbers, wanted)
    else:
        outcome = RIGHT if _same_text(spelled, [_digits(a) for a in answers], wanted.question) else WRONG
    return DECLINED if outcome == WRONG and declines(line) else outcome


def _numeric(line: str, rights: Sequence[Quantity], wanted: _Wanted) -> str:
    if len(rights) == 1:
        given = _chosen(line, rights[0], wanted)
        return _verdict(given, rights[0], line, wanted) if given else WRONG
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


def _relevant(given: Sequence[Quantity], rights: Sequence[Quantity], question: str) -> list[Quantity]:
    """The numbers of a line without years and what the question states, where that leaves any."""
    wanted = {right.value for right in rights}
    stated = {quantity.value for quantity in quantities(_digits(question))} - wanted
    kept = [quantity for quantity in given if quantity.value not in stated]
    asked_years = any(_is_year(quantity) for quantity in quantities(question))
    if not asked_years and not any(_is_year(right) for right in rights):
        kept = [quantity for quantity in kept if not _is_year(quantity)] or kept
    return kept or list(given)


def _is_year(quantity: Quantity) -> bool:
    bare = quantity.scale is None and not quantity.unit and quantity.decimals == 0
    return bare and quantity.digits == 4 and 1900 <= quantity.value <= 2100


def _chosen(line: str, right: Quantity, wanted: _Wanted) -> Quantity | None:
    """The number that a line gives as its answer."""
    equation = line.rpartition("=")[2] if "=" in line and quantities(line.rpartition("=")[2]) else ""
    if equation:
        offset = len(line) - len(equation)
        first = quantities(equation)[0]
        return Quantity(
            first.value,
            first.decimals,
            first.scale,
            first.unit,
            first.bracketed,
            first.start + offset,
            first.end + offset,
            first.digits,
        )
    given = _relevant(quantities(line), [right], wanted.question)
    compared = [match.span() for match in _COMPARED.finditer(line)]
    after_to = [
        match.end() for match in _COMPARED.finditer(line) if match.group().rstrip().endswith(("to", "and"))
    ]
    kept = [
        quantity
        for quantity in given
        if not any(start <= quantity.start < end for start, end in compared)
        and quantity.start not in after_to
    ] or given
    percent = wanted.scale == "percent" or right.scale == Decimal("0.01")
    signed = [q for q in kept if (q.scale == Decimal("0.01")) is percent] if percent else []
    return next(iter(signed or kept), None)


def _verdict(given: Quantity, right: Quantity, line: str, wanted: _Wanted) -> str:
    if given.unit and right.unit and given.unit != right.unit:
        return WRONG
    factor = right.scale or (Decimal(_SCALES[wanted.scale]) if wanted.scale else Decimal(1))
    values = _signed(given, right, line, wanted.question)
    with localcontext(prec=60):  # the longest numbers read, in the smallest scale
        scales = [(given.scale or Decimal(1)) / factor] + [Decimal(1)] * (given.scale is None)
        percent = factor == Decimal("0.01")

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
    asked = {"down" if match["down"] else "up" for match in _DIRECTION.finditer(question)}
    if direction == "down":
        return [-size, size] if "down" in asked and right.value > 0 else [-size]
    if direction == "up" and right.value < 0:
        return [size]
    if asked == {"down"}:  # a decrease of −5 and of 5 are the same
        return [size, -size]
    if given.bracketed or right.bracketed:
        return [given.value, -given.value]
    return [given.value]


def _direction(line: str, given: Quantity) -> str:
    """The direction that the words nearest to a number give it: "down", "up" or ""."""
    before = " ".join(re.split(r"[;.]\s", line[: given.start])[-1].split()[-_WORDS_BEFORE:])
    after = " ".join(line[given.end :].split()[:_WORDS_AFTER])
    found = [*_DIRECTION.finditer(before)]
    match = found[-1] if found else _DIRECTION.search(after)
    return "" if match is None else "down" if match["down"] else "up"


def _equal(
    value: Decimal, given: Quantity, shift: Decimal, right: Quantity, wanted: _Wanted, percent: bool
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
    return wanted.rounded and enough and _rounded(right.value, written) == number


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _quantity(match: re.Match[str]) -> Quantity:
    digits = match["digits"].replace(",", "")
    bracketed = match["bracket"] is not None
    negative = match["minus"] or match["inner"] or match["after"] or bracketed
    word = (match["percent"] or match["scale"] or "").lower()
    if bracketed and "%" in match[0]:
        word = "%"
    unit = (match["unit"] or match["late"] or "").strip().removeprefix("US").removeprefix("us")
    unit = _CURRENCIES.get((unit or match["currency"] or "").lower(), unit)
    unit = {"D": "$"}.get(unit, unit)
    return Quantity(
        value=-Decimal(digits) if negative else Decimal(digits),
        decimals=len(digits.partition(".")[2]),
        scale=Decimal(_SCALES[word]) if word else None,
        unit=unit,
        bracketed=bracketed,
        start=match.start(),
        end=match.end(),
        digits=len(digits.replace(".", "").lstrip("0")),
    )


def _whole(text: str) -> Quantity | None:
    """The quantity that is all of ``text``."""
    match = _QUANTITY.fullmatch(text.strip())
    return None if match is None else _quantity(match)


def _digits(text: str) -> str:
    """``text`` with number words as figures: "twenty-one" → "21"."""

    def figure(match: re.Match[str]) -> str:
        if match["tens"]:
            return str(_VALUES[match["tens"].lower()] + _VALUES[match["ones"].lower()])
        return str(_VALUES[match["alone"].lower()])

    def hundreds(match: re.Match[str]) -> str:
        count = 1 if match["hundreds"].lower() == "a" else int(match["hundreds"])
        return str(100 * count + int(match["rest"] or 0))

    return _HUNDREDS.sub(hundreds, _SPELLED.sub(figure, text))


def _same_text(line: str, answers: Sequence[str], question: str) -> bool:
    """Whether a line gives all answers, with only harmless words around and between them.

    Words of the question are harmless too, unless it offers a choice ("… or …").
    """
    words = list(_words(line))
    for answer in sorted((list(_words(answer)) for answer in answers), key=len, reverse=True):
        place = next((i for i in range(len(words)) if words[i : i + len(answer)] == answer), None)
        if place is None or not answer:
            core = [word for word in answer if word not in _AROUND]  # "for four years" is "four years"
            place = next((i for i in range(len(words)) if core and words[i : i + len(core)] == core), None)
            if place is None or len(core) == len(answer):
                return False
            answer = core
        words[place : place + len(answer)] = ["and"]  # what is used cannot be used again
    asked = set(_words(question))
    harmless = _AROUND | _CONNECTIVES | (set() if "or" in asked else asked - _NEGATIONS)
    return len(answers) > 0 and set(words) <= harmless


def _words(text: str) -> Iterator[str]:
    for word in re.findall(r"[^\W_]+(?:[.,]\d+)*(?:['’][a-z]+)?|[$€£¥%]", text.lower()):
        if word not in _ARTICLES:
            yield word.replace(",", "").removesuffix("'s").removesuffix("’s")


def _f1(line: str, answers: Sequence[str], scale: str, outcome: str) -> float:
    """TAT-QA's F1: bags of words of the answers, aligned best first; of numbers 1 or 0 (F. Zhu et
    al., 2021).
    """
    if outcome == RIGHT:
        return 1.0
    if any(_whole(answer) for answer in answers) or not line:
        return 0.0
    parts = re.split(r"[,;]\s|\s(?:and|or)\s", line) if len(answers) > 1 else [line]
    given = [Counter(_words(part)) for part in parts if part.strip()]
    wanted = [Counter(_words(answer)) for answer in answers]
    scores = sorted(
        ((_overlap(g, w), i, j) for i, g in enumerate(given) for j, w in enumerate(wanted)), reverse=True
    )
    total, used_given, used_wanted = 0.0, set[int](), set[int]()
    for score, i, j in scores:
        if i not in used_given and j not in used_wanted:
            total += score
            used_given.add(i)
            used_wanted.add(j)
    return total / max(len(given), len(wanted))


def _overlap(given: Counter[str], wanted: Counter[str]) -> float:
    shared = (given & wanted).total()
    return 2 * shared / (given.total() + wanted.total()) if shared else 0.0
