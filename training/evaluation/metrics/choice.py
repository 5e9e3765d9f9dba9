"""Questions with given choices: which one the model finds likeliest, and how sure it is.

Three ways to compare choices, by what the question is:

- A question that needs its choices ("Which of these …") shows them, and the letters are compared, as MMLU's
  authors do (D. Hendrycks et al., 2021).
- Labels (choices of one word) and numbers are compared by their whole likelihood. Divided by bytes, a label
  that happens to have fewer of them would be handicapped.
- Other choices are compared by likelihood for each byte, since a sum would favour short ones (the "acc_norm"
  of lm-evaluation-harness).
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.dataset import Question
from core.names import Figure
from training.evaluation.asks import Answers, Continuation
from training.evaluation.figures import quantities
from training.evaluation.items import questions, records
from training.evaluation.metrics.base import Item, Items, Material, Metric

MULTIPLE_CHOICE_FILE, SENTIMENT_FILE = "multiple_choice.jsonl", "sentiment.jsonl"
LABELS = ("positive", "negative", "neutral")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NEEDS_CHOICES = re.compile(r"\bwhich\b.*\?$|\bthe following\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class ChoiceAccuracy(Metric):
    """Share of questions whose right choice is the likeliest.

    ``available`` gives the set's questions, ``prompt`` the text before a choice.
    """

    name: str
    title: str
    about: str
    available: Callable[[Material], Sequence[Question]]
    prompt: Callable[[Question], str]
    unit = "share right"

    def items(self, material: Material) -> Items:
        """A question with a continuation for each choice."""
        among = self.available(material)
        return Items(tuple(choice_item(q, self.prompt(q)) for q in material.choose(among)), len(among))

    def value(self, item: Item, answers: Answers) -> float | None:
        """1 if the right choice is the likeliest, else 0."""
        return float(picked(item, answers) == item.its_question.right)


class ChoiceProbability(Metric):
    """Mean probability of the right choice among those given, over all questions with choices.

    It tells more than right or wrong does: a smaller change can be shown with as many questions.
    """

    name = Figure.RIGHT_CHOICE_PROBABILITY
    title = "Trust in the right choice"
    about = (
        "Mean probability that the model gives to the right choice, over all questions with choices and all"
        " sentences."
    )
    unit = "share"

    def items(self, material: Material) -> Items:
        """The items of all sets with choices."""
        sets = [metric.items(material) for metric in (OWN_CHOICES, MULTIPLE_CHOICE, SENTIMENT)]
        return Items(tuple(item for each in sets for item in each.asked), sum(s.available for s in sets))

    def value(self, item: Item, answers: Answers) -> float | None:
        """The right choice's probability."""
        return probabilities(item, answers)[item.its_question.right]


def choice_item(question: Question, prompt: str) -> Item:
    """A question with a continuation for each choice: its letter if ``prompt`` shows the choices."""
    shown = needs_choices(question)
    asks = tuple(
        Continuation(prompt, f" {LETTERS[place] if shown else choice}")
        for place, choice in enumerate(question.choices)
    )
    text = f"{question.context} {question.question} {question.choices[question.right]}"
    return Item(
        f"{question.source}:{question.id}", asks, text, question=question, group=context_group(question)
    )


def context_group(question: Question) -> str:
    """Questions of one group, or about the same context, belong together; "" where there is neither."""
    shared = question.group or question.context
    return f"{question.source}\n{shared}" if shared else ""


def needs_choices(question: Question) -> bool:
    """Whether the question can be understood only with its choices before one's eyes."""
    return bool(_NEEDS_CHOICES.search(question.question)) and len(question.choices) <= len(LETTERS)


def asked(question: Question) -> str:
    """A question as it is put to a model: after its context, and with its choices where it needs them."""
    context = f"{question.context}\n\n" * bool(question.context)
    shown = (
        "".join(f"\n{LETTERS[i]}. {choice}" for i, choice in enumerate(question.choices))
        if question.choices and needs_choices(question)
        else ""
    )
    return f"{context}Question: {question.question}{shown}\nAnswer:"


def probabilities(item: Item, answers: Answers) -> list[float]:
    """The probability of each choice among those given, in their order."""
    question = item.its_question
    scores = [answers.scores[ask] for ask in item.asks if isinstance(ask, Continuation)]
    words = all(len(choice.split()) == 1 for choice in question.choices)
    whole = needs_choices(question) or words or all(map(quantities, question.choices))
    length = sum(score.bytes for score in scores) / len(scores)
    nats = [score.nats if whole else score.nats / score.bytes * length for score in scores]
    weights = [math.exp(min(nats) - each) for each in nats]
    return [weight / sum(weights) for weight in weights]


def picked(item: Item, answers: Answers) -> int:
    """The position of the likeliest choice; the first of equals."""
    chances = probabilities(item, answers)
    return chances.index(max(chances))


def chance(items: Items) -> float | None:
    """The share that guessing gets right."""
    counts = [len(item.question.choices) for item in items.asked if item.question is not None]
    return sum(1 / count for count in counts) / len(counts) if counts else None


def confusion(items: Sequence[Item], answers: Answers) -> dict[str, dict[str, int]]:
    """Counts of picked labels: right label → picked label → count; for one set of labels."""
    labels = items[0].question.choices if items and items[0].question else ()
    table = {right: dict.fromkeys(labels, 0) for right in labels}
    for item in items:
        table[labels[item.its_question.right]][labels[picked(item, answers)]] += 1
    return table


def macro_f1(table: dict[str, dict[str, int]]) -> float:
    """The mean of each label's F1, so that a label that is hardly ever picked counts as much as the
    others.
    """
    scores = []
    for label, row in table.items():
        said = sum(other[label] for other in table.values())
        both = said + sum(row.values())
        scores.append(2 * row[label] / both if both else 0.0)
    return sum(scores) / len(scores) if scores else 0.0


def calibration(items: Sequence[Item], answers: Answers, bins: int = 10) -> dict[str, float]:
    """The calibration error of the probabilities of choices; 0 is perfect.

    ``ece``: expected calibration error, the mean gap between the probability of the picked choice and how
    often it is right, in ``bins`` of equal width (C. Guo et al., 2017). ``brier``: the mean squared distance
    of all choices' probabilities from 1 and 0 (G. Brier, 1950).
    """
    totals = [[0.0, 0.0] for _ in range(bins)]
    brier = 0.0
    for item in items:
        chances, right = probabilities(item, answers), item.its_question.right
        best = max(chances)
        cell = totals[min(int(best * bins), bins - 1)]
        cell[0] += best
        cell[1] += chances.index(best) == right
        brier += sum((each - (place == right)) ** 2 for place, each in enumerate(chances))
    gap = sum(abs(sure - right) for sure, right in totals)
    return {"ece": gap / len(items), "brier": brier / len(items)}


def sentences() -> tuple[Question, ...]:
    """The shipped sentences with their labels as choices."""
    return tuple(
        Question(
            r["id"], SENTIMENT_FILE, r["text"], (r["label"],), choices=LABELS, right=LABELS.index(r["label"])
        )
        for r in records(SENTIMENT_FILE)
    )


#: The task in other words; the first are those of `SENTIMENT`.
WORDINGS = (
    "News: {}\nSentiment (positive, negative or neutral):",
    "{}\nFor the shareholders this is (positive, negative or neutral):",
    "Question: Is this news positive, negative or neutral?\n{}\nAnswer:",
)

RETAINED = ChoiceAccuracy(
    name=Figure.RETAINED_CAPABILITY,
    title="Everyday knowledge and arithmetic",
    about="Share of shipped questions on facts, sums and plain instructions, none about finance, whose right"
    " choice is the likeliest: what a specialist should not unlearn.",
    available=lambda material: questions("retained.jsonl"),
    prompt=asked,
)

MULTIPLE_CHOICE = ChoiceAccuracy(
    name=Figure.MULTIPLE_CHOICE_ACCURACY,
    title="Multiple choice",
    about="Share of shipped questions on statements, ratios, instruments, markets, risk and valuation whose"
    " right choice of four is the likeliest.",
    available=lambda material: questions(MULTIPLE_CHOICE_FILE),
    prompt=asked,
)

OWN_CHOICES = ChoiceAccuracy(
    name=Figure.OWN_CHOICE_ACCURACY,
    title="Your questions with choices",
    about="Share of your own questions whose right choice is the likeliest.",
    available=lambda material: [question for question in material.questions if question.choices],
    prompt=asked,
)

SENTIMENT = ChoiceAccuracy(
    name=Figure.SENTIMENT_ACCURACY,
    title="Sentiment of financial news",
    about="Share of shipped sentences for which the right label of three is the likeliest.",
    available=lambda material: sentences(),
    prompt=lambda question: WORDINGS[0].format(question.question),
)
