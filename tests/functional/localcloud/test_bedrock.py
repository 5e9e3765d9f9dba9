"""Bedrock on the embedded cloud: AWS's shapes around local models, its errors, quotas and token counts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tokenizers import Tokenizer

from localcloud.lifecycle import Cloud, CloudError
from tests.fakes.chat_service import chat_service
from tests.functional.cloud_session import client_of

TINY, SCRIPTED, SLOW = "meta.llama3-1-8b-instruct-v1:0", "amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0"
BASE_MODEL = Path(__file__).parents[3] / "base_model"
ASKED = [{"role": "user", "content": [{"text": "What was revenue?"}]}]
LONG = [{"role": "user", "content": [{"text": "revenue " * 9000}]}]


@pytest.fixture(scope="module")
def scripted() -> Iterator[str]:
    """A server with OpenAI's protocol that repeats the last message."""

    with chat_service(lambda it: (f"{it['messages'][-1]['content']} {it.get('max_tokens')}", {})) as url:
        yield url


@pytest.fixture
def bedrock(cloud: Cloud, scripted: str) -> Callable[..., Any]:
    for model in ({"model": TINY, "folder": str(BASE_MODEL)}, {"model": SCRIPTED, "url": scripted}):
        cloud.ask("POST", "bedrock", model)
    return lambda service="bedrock-runtime", **how: client_of(cloud, service, **how)


def test_converse_answers_with_a_models_text_and_tokens(bedrock: Callable[..., Any]) -> None:
    limits = {"maxTokens": 12, "temperature": 0.0}
    runtime = bedrock()
    answer = runtime.converse(modelId=TINY, messages=ASKED, inferenceConfig=limits)
    assert answer["output"]["message"]["role"] == "assistant" and answer["stopReason"] == "max_tokens"
    usage = answer["usage"]
    counted = len(Tokenizer.from_file(str(BASE_MODEL / "tokenizer.json")).encode("What was revenue?").ids)
    assert (usage["inputTokens"], usage["outputTokens"]) == (counted, 12)
    assert usage["totalTokens"] == counted + 12 and answer["metrics"]["latencyMs"] > 0
    again = runtime.converse(modelId=TINY, messages=ASKED, inferenceConfig=limits)
    assert again["output"] == answer["output"], "temperature 0 gives the same answer"


def test_a_profile_of_several_regions_reaches_the_same_model(bedrock: Callable[..., Any]) -> None:
    answer = bedrock().converse(modelId=f"us.{SCRIPTED}", messages=ASKED)
    assert answer["output"]["message"]["content"][0]["text"].startswith("What was revenue?")


def test_titan_embeds_like_texts_near_each_other(bedrock: Callable[..., Any]) -> None:
    def vector(text: str, **more: Any) -> list[float]:
        body = json.dumps({"inputText": text, "dimensions": 256, **more})
        answer = bedrock().invoke_model(modelId="amazon.titan-embed-text-v2:0", body=body)
        return json.loads(answer["body"].read())["embedding"]

    def near(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    revenue, sales = vector("total revenue in 2022"), vector("revenue of 2022 in total")
    assert len(revenue) == 256 and near(revenue, revenue) == pytest.approx(1.0)
    assert near(revenue, sales) > near(revenue, vector("the weather at sea")) + 0.3
    with pytest.raises(ClientError, match="dimensions"):
        vector("x", dimensions=300)


@pytest.mark.parametrize(
    ("model", "messages", "code", "status", "message"),
    [
        ("amazon.nova-micro-v1:0", ASKED, "AccessDeniedException", 403, "don't have access to the model"),
        (SCRIPTED, [{"role": "assistant", "content": [{"text": "x"}]}], "ValidationException", 400, "user"),
        (SCRIPTED, [{"role": "user", "content": [{"text": " "}]}], "ValidationException", 400, "blank"),
        (SCRIPTED, ASKED * 2, "ValidationException", 400, "alternate"),
        (TINY, LONG, "ValidationException", 400, "too"),
    ],
)  # fmt: skip
def test_what_bedrock_refuses_is_refused_in_its_words(
    bedrock: Callable[..., Any], model: str, messages: Any, code: str, status: int, message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        bedrock().converse(modelId=model, messages=messages)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_model_is_throttled_by_its_quota_and_a_fault_is_retried(
    cloud: Cloud, bedrock: Callable[..., Any], scripted: str
) -> None:
    cloud.ask("POST", "bedrock", {"model": SLOW, "url": scripted, "requests_per_minute": 2})
    runtime = bedrock()
    for _ in range(2):
        runtime.converse(modelId=SLOW, messages=ASKED)
    with pytest.raises(ClientError, match="Too many requests") as refused:
        runtime.converse(modelId=SLOW, messages=ASKED)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    fault = {"service": "bedrock", "operation": "InvokeModel", "error": "ThrottlingException", "status": 429}
    cloud.ask("POST", "faults", fault)
    try:
        answer = bedrock(attempts=3).converse(modelId=SCRIPTED, messages=ASKED)
    finally:
        cloud.ask("DELETE", "faults")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1


def test_data_retention_can_be_read_and_set(bedrock: Callable[..., Any]) -> None:
    control = bedrock("bedrock")
    assert control.get_account_data_retention()["mode"] == "default"
    try:
        control.put_account_data_retention(mode="none")
        assert control.get_account_data_retention()["mode"] == "none"
    finally:
        control.put_account_data_retention(mode="default")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"model": "a.b"},
        {"model": "a.b", "folder": "/nowhere"},
        {"model": "a.b", "url": "http://example.com"},
    ],
)
def test_a_model_that_cannot_stand_behind_a_name_is_refused(cloud: Cloud, asked: dict[str, Any]) -> None:
    with pytest.raises(CloudError):
        cloud.ask("POST", "bedrock", asked)
