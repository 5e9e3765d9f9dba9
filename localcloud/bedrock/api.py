"""Bedrock's HTTP side: requests held to botocore's model, answers and errors in AWS's shapes.

Source of the body of InvokeModel: Amazon Bedrock User Guide, "Inference request parameters and response
fields for foundation models" (Titan Text Embeddings V2).
"""

import re
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from localcloud import hooks
from localcloud.bedrock import models
from localcloud.bedrock.models import DIMENSIONS, EMBEDDING
from localcloud.protocol import REST_JSON, Response, parsed, validation
from localcloud.sagemaker.validation import check, service_model

PATH = re.compile(r"/model/(?P<model>.+)/(?P<operation>converse|invoke)")
MOST_EMBEDDED_CHARACTERS = 50_000
Content = dict[str, Any]
_retention: dict[str, Any] = {"mode": "default", "updatedAt": None}


async def answer(request: hooks.gate.Request) -> Response | None:
    """The answer to one of the operations above; None for any other request."""
    if request.router_name not in ("bedrock", "bedrock-runtime"):
        return None
    path = unquote(request.path)
    if path == "/data-retention" and request.method in ("GET", "PUT"):
        return await REST_JSON.answered(lambda: REST_JSON.json(_data_retention(request.method, request.body)))
    found = PATH.fullmatch(path) if request.method == "POST" else None
    if found is None:
        return None
    operation = _converse if found["operation"] == "converse" else _invoke
    return await REST_JSON.answered(lambda: operation(found["model"], request.body))


def _data_retention(method: str, body: bytes) -> Content:
    if method == "PUT":
        asked = _checked("bedrock", "PutAccountDataRetention", _object(body))
        _retention.update(mode=asked["mode"], updatedAt=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return {key: value for key, value in _retention.items() if value is not None}


def _converse(identifier: str, body: bytes) -> Response:
    asked = _checked("bedrock-runtime", "Converse", {"modelId": identifier, **_object(body)})
    model = models.find(identifier)
    messages = _messages(asked)
    model.admit(time.monotonic())
    config = asked.get("inferenceConfig") or {}
    names = {
        "maxTokens": "max_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop",
    }
    parameters = {ours: config[theirs] for theirs, ours in names.items() if theirs in config}
    began = time.monotonic()
    said = model.answer(messages, parameters)
    content: Content = {
        "output": {"message": {"role": "assistant", "content": [{"text": said.text}]}},
        "stopReason": said.stop_reason,
        "usage": {
            "inputTokens": said.input_tokens,
            "outputTokens": said.output_tokens,
            "totalTokens": said.input_tokens + said.output_tokens,
        },
        "metrics": {"latencyMs": round(1000 * (time.monotonic() - began))},
    }
    return REST_JSON.json(content)


def _messages(asked: Content) -> list[dict[str, str]]:
    """A conversation's texts, refused as Converse refuses it."""
    turns = asked.get("messages") or []
    if not turns or turns[0]["role"] != "user":
        raise validation(
            "A conversation must start with a user message. Try again with a conversation that starts with a"
            " user message."
        )
    found = [
        {"role": "system", "content": block["text"]} for block in asked.get("system") or [] if "text" in block
    ]
    for number, turn in enumerate(turns):
        if number and turn["role"] == turns[number - 1]["role"]:
            raise validation(
                "A conversation must alternate between user and assistant roles. Make sure the conversation"
                " alternates between user and assistant roles and try again."
            )
        texts = []
        for place, block in enumerate(turn["content"]):
            if "text" not in block:
                raise validation(f"The embedded cloud's models read text only, not {', '.join(block)}.")
            if not block["text"].strip():
                raise validation(
                    f"The text field in the ContentBlock object at messages.{number}.content.{place} is"
                    " blank. Add text to the text field, and try again."
                )
            texts.append(block["text"])
        found.append({"role": turn["role"], "content": "\n".join(texts)})
    return found


def _invoke(identifier: str, body: bytes) -> Response:
    _checked("bedrock-runtime", "InvokeModel", {"modelId": identifier})
    if not identifier.endswith(EMBEDDING):
        raise validation(f"The embedded cloud knows InvokeModel's body for {EMBEDDING} only. Use Converse.")
    asked = _object(body)
    text, dimensions = asked.get("inputText"), asked.get("dimensions", DIMENSIONS[0])
    unknown = sorted(set(asked) - {"inputText", "dimensions", "normalize", "embeddingTypes"})
    if unknown:
        raise validation(f"Malformed input request: #: extraneous key [{unknown[0]}] is not permitted")
    if not isinstance(text, str) or not text.strip():
        raise validation("Malformed input request: #/inputText: expected minLength: 1, actual: 0")
    if len(text) > MOST_EMBEDDED_CHARACTERS:
        raise validation(
            f"Malformed input request: expected maxLength: {MOST_EMBEDDED_CHARACTERS}, actual: {len(text)}"
        )
    if dimensions not in DIMENSIONS:
        raise validation(f"Malformed input request: #/dimensions: {dimensions} is not a valid enum value")
    vector = models.embedded(text, dimensions, normalize=asked.get("normalize", True) is not False)
    tokens = len(re.findall(r"\w+|[^\w\s]", text))
    content = {"embedding": vector, "embeddingsByType": {"float": vector}, "inputTextTokenCount": tokens}
    return REST_JSON.json(content, {"X-Amzn-Bedrock-Input-Token-Count": str(tokens)})


_object = partial(parsed, code="ValidationException")


def _checked(service: str, operation: str, params: Content) -> Content:
    """The request, if it has its operation's shape."""
    shape = service_model(service).operation_model(operation).input_shape
    check(params, shape)
    return params
