"""What the metrics of written answers share: a question with its context, answered in a line."""

from collections.abc import Sequence

from core.dataset import Question
from training.evaluation.asks import Answers, Prompt
from training.evaluation.items import questions
from training.evaluation.metrics.base import Item, Material
from training.evaluation.metrics.choice import asked

#: Room for a figure with its unit, or a short phrase of the text.
ANSWER_TOKENS = 32


def table_questions() -> tuple[Question, ...]:
    """The shipped questions on tables with text."""
    return questions("table_questions.json")


def own_questions(material: Material) -> Sequence[Question]:
    """The dataset's own questions that are answered in words."""
    return [question for question in material.questions if not question.choices]


def answer_item(question: Question) -> Item:
    """A question to be answered in one line."""
    ask = Prompt(asked(question), ANSWER_TOKENS, one_line=True)
    text = f"{question.question} {' '.join(question.answers)}"
    return Item(f"{question.source}:{question.id}", (ask,), text, question=question)


def answered(item: Item, answers: Answers) -> str:
    """What the model wrote."""
    (prompt,) = item.asks
    assert isinstance(prompt, Prompt)
    return answers.texts[prompt]
