"""Lets a model word an answer from passages: the deployed endpoint's, or one of Amazon Bedrock's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.documents.prompting import PROMPT_CHARACTERS, prompt
from core.documents.search import Found
from finexpert.errors import UserError
from finexpert.service.asking import answerers, inference
from finexpert.service.asking.inference import Answer
from finexpert.service.deployment import Deployment

MOST_TOKENS = 300
CHARACTERS_A_TOKEN = 3
"""Of text with many figures, which Llama 2 reads digit by digit."""
_LEAST_CHARACTERS = 600
"""A shorter prompt holds no passage beside the instruction."""
Generate = Callable[[str, Sequence[Found]], str]


def wording(passages: Sequence[Found], question: str, most: int = PROMPT_CHARACTERS) -> str:
    """The prompt of a question with its passages, of at most `most` characters."""
    return prompt(question, [(f"{each.document}, page {each.page}", each.text) for each in passages], most)


def converse(client: Any, model: str, prompt: str, most_tokens: int) -> dict[str, Any]:
    """The reply of a model of Amazon Bedrock (the Converse API) to a prompt, at temperature 0."""
    reply: dict[str, Any] = client.converse(
        modelId=model,
        messages=[{"role": "user", "content": [{"text": prompt}]}],
        inferenceConfig={"maxTokens": most_tokens, "temperature": 0.0},
    )
    return reply


def text_of(reply: Mapping[str, Any]) -> str:
    """The text of a reply of the Converse API; LookupError or TypeError for one without text."""
    return "".join(part.get("text", "") for part in reply["output"]["message"]["content"])


def bedrock(client: Any, model: str) -> Generate:
    """Answers by a model of Amazon Bedrock."""

    def generate(question: str, passages: Sequence[Found]) -> str:
        return text_of(converse(client, model, wording(passages, question), MOST_TOKENS))

    return generate


def endpoint(deployment: Deployment, which: str) -> Generate:
    """Answers by the deployed endpoint's `tuned` or `base` model."""

    def generate(question: str, passages: Sequence[Found]) -> str:
        inference.require_awake(deployment)
        longest = answerers.base_model(deployment).context_tokens
        parameters = inference.generation(min(MOST_TOKENS, longest // 4), 0.0, 0)
        return read(deployment, which, question, passages, parameters, longest).text

    return generate


def read(
    deployment: Deployment,
    model: str,
    question: str,
    passages: Sequence[Found],
    parameters: Mapping[str, Any],
    context_tokens: int,
) -> Answer:
    """A model's answer to a question with as many passages as it can read at once.

    Raises:
        Asleep: Hosting is not awake.
        botocore.exceptions.ClientError: the endpoint refused, for another reason than the length.
    """
    from botocore.exceptions import ClientError

    most = min(PROMPT_CHARACTERS, (context_tokens - parameters["max_new_tokens"]) * CHARACTERS_A_TOKEN)
    while True:
        try:
            return inference.ask(deployment, {model: wording(passages, question, most)}, parameters)[0]
        except ClientError as error:
            most = most * 3 // 4
            if error.response.get("OriginalStatusCode") not in inference.TOO_LONG or most < _LEAST_CHARACTERS:
                raise


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
