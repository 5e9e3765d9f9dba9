"""Financial knowledge: questions with choices, the shipped ones and the dataset's own."""

from training.evaluation.items import questions
from training.evaluation.metrics.choice import ChoiceAccuracy, asked

MULTIPLE_CHOICE = ChoiceAccuracy(
    name="multiple_choice_accuracy",
    title="Multiple choice",
    about="Share of shipped questions on statements, ratios, instruments, markets, risk and valuation whose"
    " right choice of four is the likeliest.",
    available=lambda material: questions("multiple_choice.jsonl"),
    prompt=asked,
)

OWN_CHOICES = ChoiceAccuracy(
    name="own_choice_accuracy",
    title="Your questions with choices",
    about="Share of your own questions whose right choice is the likeliest.",
    available=lambda material: [question for question in material.questions if question.choices],
    prompt=asked,
)
