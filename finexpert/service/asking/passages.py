"""The models that may word an answer: the deployed endpoint's, or one of Amazon Bedrock's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.documents.prompting import prompt
from core.documents.search import Found
from finexpert.errors import UserError

MOST_TOKENS = 300
Generate = Callable[[str, Sequence[Found]], str]


def wording(passages: Sequence[Found], question: str) -> str:
    """The prompt of a question with its passages."""
    return prompt(question, [(f"{each.document}, page {each.page}", each.text) for each in passages])


def bedrock(client: Any, model: str) -> Generate:
    """Answers by a model of Amazon Bedrock (the Converse API), at temperature 0."""

    def generate(question: str, passages: Sequence[Found]) -> str:
        reply = client.converse(
            modelId=model,
            messages=[{"role": "user", "content": [{"text": wording(passages, question)}]}],
            inferenceConfig={"maxTokens": MOST_TOKENS, "temperature": 0.0},
        )
        return "".join(part.get("text", "") for part in reply["output"]["message"]["content"])

    return generate


def endpoint(deployment: Any, which: str) -> Generate:
    """Answers by the deployed endpoint's `tuned` or `base` model."""
    from finexpert.service.asking import inference

    def generate(question: str, passages: Sequence[Found]) -> str:
        inference.require_awake(deployment)
        parameters = inference.generation(MOST_TOKENS, 0.0, 0)
        answers = inference.ask(deployment, {which: wording(passages, question)}, parameters)
        return answers[0].text

    return generate


def chosen(name: str, deployment: Callable[[], Any]) -> Generate:
    """The model that `--answer-with` names.

    Raises:
        UserError: it names none.
    """
    if name in {"tuned", "base"}:
        return endpoint(deployment(), name)
    kind, _, model = name.partition(":")
    if kind == "bedrock" and model:
        return bedrock(deployment().target.client("bedrock-runtime"), model)
    raise UserError(f"--answer-with {name} names no model", fix="Write tuned, base or bedrock:MODEL-ID.")
