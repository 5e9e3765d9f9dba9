"""Sentiment of financial news, seen from a shareholder's or lender's side."""

from core.dataset import Question
from training.evaluation.items import records
from training.evaluation.metrics.choice import ChoiceAccuracy

FILE = "sentiment.jsonl"
LABELS = ("positive", "negative", "neutral")


def sentences() -> tuple[Question, ...]:
    """The shipped sentences with their labels as choices."""
    return tuple(
        Question(r["id"], FILE, r["text"], (r["label"],), choices=LABELS, right=LABELS.index(r["label"]))
        for r in records(FILE)
    )


SENTIMENT = ChoiceAccuracy(
    name="sentiment_accuracy",
    title="Sentiment of financial news",
    about="Share of shipped sentences for which the right label of three is the likeliest.",
    available=lambda material: sentences(),
    prompt=lambda question: f"News: {question.question}\nSentiment (positive, negative or neutral):",
)
