"""Metrics of written answers: a question with its context, answered in one line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from core.dataset import Question
from core.names import Figure
from training.evaluation.answers import Grade, faithfulness, grade_of, invented
from training.evaluation.asks import Answers, Prompt
from training.evaluation.items import questions, records
from training.evaluation.metrics.base import LOWER, Item, Items, Material, Metric, written_text
from training.evaluation.metrics.choice import asked, context_group
from training.evaluation.wording import declines

TABLE_FILE = "table_questions.json"
#: Room for a figure with its unit, or a short phrase of the text.
ANSWER_TOKENS = 32
#: Stands before a question whose answer was taken out of its context.
MAY_DECLINE = 'If the table and the text do not give the answer, write "not given".\n\n'


@dataclass(frozen=True, kw_only=True)
class ExactMatch(Metric):
    """Share of questions answered right; ``available`` gives the set's questions."""

    name: str
    title: str
    about: str
    available: Callable[[Material], Sequence[Question]]
    unit = "share right"

    def items(self, material: Material) -> Items:
        """Each question with its context."""
        among = self.available(material)
        return Items(tuple(map(answer_item, material.choose(among))), len(among))

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if the answer is right, else 0."""
        return float(graded(item, answers).right)


class Faithfulness(Metric):
    """Mean share of an answer's numbers that stand in its context or question.

    Only of questions that can be answered without a calculation, since a calculated figure stands nowhere.
    """

    name = Figure.FAITHFULNESS
    title = "Figures taken from the context"
    about = (
        "Share of the figures in an answer that stand in its context, over questions that need no calculation"
        " and that both models answered with a figure."
    )
    unit = "share"

    def items(self, material: Material) -> Items:
        """The shipped and own questions with a context that has all numbers of the right answer."""
        return _of_both_sets(material, _quoted)

    def value(self, item: Item, answers: Answers) -> float | None:
        """One answer's share; None if it has no figure."""
        return faithfulness(written_text(item, answers), _given(item.its_question))


class InventedFigures(Metric):
    """Share of answers with a figure that neither stands in the context or question nor follows from two
    figures that do."""

    name = Figure.INVENTED_FIGURES
    title = "Answers with made-up figures"
    about = (
        "Share of answers with a figure that stands neither in the question nor in its context, and is not"
        " the result of one calculation with two figures of them. An answer without figures has none."
    )
    unit = "share"
    better = LOWER

    def items(self, material: Material) -> Items:
        """The shipped and own questions with a context."""
        return _of_both_sets(material, lambda question: bool(question.context))

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if the answer has such a figure, else 0."""
        return float(bool(invented(written_text(item, answers), _given(item.its_question))))


class Declining(Metric):
    """Share of questions without an answer in their context for which the model says so."""

    name = Figure.DECLINES_WITHOUT_ANSWER
    title = "Says when the answer is not there"
    about = (
        "Share of shipped questions whose row was taken out of the table that are answered with “not given”"
        " or in words to that effect."
    )
    unit = "share right"

    def items(self, material: Material) -> Items:
        """The shipped questions on figures of a table, without the table."""
        among = unanswerable()
        return Items(tuple(map(answer_item, material.choose(among))), len(among))

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if the model declines, else 0."""
        return float(declines(written_text(item, answers)))


def table_questions() -> tuple[Question, ...]:
    """The shipped questions on tables with text."""
    return questions(TABLE_FILE)


@cache
def unanswerable() -> tuple[Question, ...]:
    """Shipped questions whose figures stand in the table, with the table taken out of their context."""
    of_table = {
        question["uid"]
        for context in records(TABLE_FILE)
        for question in context["questions"]
        if question["answer_from"] == "table" and question["answer_type"] in ("span", "arithmetic")
    }
    found = []
    for question in table_questions():
        text = "\n".join(line for line in question.context.splitlines() if " | " not in line)
        if question.id in of_table and text and question.answers[0] not in text:
            found.append(
                replace(
                    question,
                    id=f"{question.id}-without",
                    context=MAY_DECLINE + text,
                    answers=("not given",),
                    scale="",
                    accepted=(),
                    exact=False,
                )
            )
    return tuple(found)


def own_questions(material: Material) -> Sequence[Question]:
    """The dataset's own questions that are answered in words and may be graded."""
    return [question for question in material.questions if not question.choices and not question.free]


def answer_item(question: Question) -> Item:
    """A question to be answered in one line."""
    ask = Prompt(asked(question), ANSWER_TOKENS, one_line=True)
    text = f"{question.question} {' '.join(question.answers)}"
    return Item(
        f"{question.source}:{question.id}", (ask,), text, question=question, group=context_group(question)
    )


def graded(item: Item, answers: Answers) -> Grade:
    """The grade of the answer."""
    return grade_of(written_text(item, answers), item.its_question)


def _of_both_sets(material: Material, wanted: Callable[[Question], bool]) -> Items:
    own = [question for question in material.questions if not question.choices]
    sets: tuple[Sequence[Question], ...] = (table_questions(), own)
    among = [question for each in sets for question in each if wanted(question)]
    chosen = [question for each in sets for question in material.choose(each) if wanted(question)]
    return Items(tuple(map(answer_item, chosen)), len(among))


def _given(question: Question) -> str:
    """What an answer may take its figures from."""
    return f"{question.context}\n{question.question}"


def _quoted(question: Question) -> bool:
    if not question.context:
        return False
    shares = (faithfulness(answer, question.context) for answer in question.answers)
    return all(share in (None, 1.0) for share in shares)


TABLE_QUESTIONS = ExactMatch(
    name=Figure.TABLE_QUESTIONS_EXACT_MATCH,
    title="Questions on a table with text",
    about="Share of shipped questions on invented reports, most of them to be calculated, that are answered"
    " right; units and scales count.",
    available=lambda material: table_questions(),
)

OWN_QUESTIONS = ExactMatch(
    name=Figure.OWN_EXACT_MATCH,
    title="Your questions",
    about="Share of your own questions that are answered right; units and scales count.",
    available=own_questions,
)
