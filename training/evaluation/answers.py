"""Grading written answers: what a sentence says is compared with the right answer, not how it is worded.

`grade` is the one way in. Standard library only, so that a benchmark can use it without the trainer.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.dataset import Question
from training.evaluation.figures import digits, quantities, whole
from training.evaluation.numbers import DECLINED, RIGHT, WRONG, WRONG_SCALE, Wanted, compare_numbers, in_scale
from training.evaluation.programs import ProgramError, execute, looks_like_program
from training.evaluation.wording import answer_line, declines, denies, same_text, words


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of an answer: ``outcome`` is RIGHT, WRONG, WRONG_SCALE (the right figure, in millions for
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
) -> Grade:
    """Compare the line of ``prediction`` that gives the answer with the right one.

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
    """
    line = answer_line(prediction)
    sets = [list(answers), *map(list, accepted)]
    scale = scale or in_scale(question)
    wanted = Wanted(scale, question, exact)
    outcomes = [_outcome(line, each, wanted) for each in sets if each]
    f1 = max(
        (_f1(line, each, scale, outcome) for each, outcome in zip(sets, outcomes, strict=False)), default=0.0
    )
    for outcome in (RIGHT, DECLINED, WRONG_SCALE):
        if outcome in outcomes:
            return Grade(outcome, f1)
    return Grade(WRONG, f1)


def grade_of(prediction: str, question: Question) -> Grade:
    """The grade of a prediction by all that a question says of its right answers."""
    return grade(
        prediction,
        question.answers,
        scale=question.scale,
        question=question.question,
        accepted=question.accepted,
        exact=question.exact,
    )


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


def _outcome(line: str, answers: Sequence[str], wanted: Wanted) -> str:
    if all(declines(answer) for answer in answers):
        return RIGHT if declines(line) else WRONG
    right_texts = [digits(answer) for answer in answers]
    rights = [whole(text) for text in right_texts]
    numbers = [right for right in rights if right is not None]
    if looks_like_program(line) and len(answers) == 1 and numbers:
        try:
            line = f"{execute(line):.6f}"
        except ProgramError:
            return WRONG
    spelled = digits(line)
    if len(numbers) == len(answers):
        outcome = compare_numbers(spelled, numbers, right_texts, wanted)
    else:
        outcome = RIGHT if same_text(spelled, right_texts, wanted.question) else WRONG
    no_figure = len(numbers) == len(answers) and not quantities(spelled) and denies(line)
    return DECLINED if outcome == WRONG and (no_figure or declines(line)) else outcome


def _f1(line: str, answers: Sequence[str], scale: str, outcome: str) -> float:
    """TAT-QA's F1: bags of words of the answers, aligned best first; of numbers 1 or 0 (F. Zhu et
    al., 2021).
    """
    if outcome == RIGHT:
        return 1.0
    if any(whole(answer) for answer in answers) or not line:
        return 0.0
    parts = re.split(r"[,;]\s|\s(?:and|or)\s", line) if len(answers) > 1 else [line]
    given = [Counter(words(part)) for part in parts if part.strip()]
    wanted = [Counter(words(answer)) for answer in answers]
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
