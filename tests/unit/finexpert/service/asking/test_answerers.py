"""Who answers: the base model by its weights, the run behind the tuned one, and what a reader must know."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from core.endpoint import weights
from core.endpoint.hosting import Hosting, HostingState
from finexpert.errors import NotFound
from finexpert.service.asking import answerers
from finexpert.service.asking.answerers import Answerer, Base, described
from finexpert.service.endpoint import switch
from finexpert.service.runs import executions, names
from tests.fakes import deployment as fakes
from tests.fakes.s3 import FakeS3

TINY = {"model_type": "llama", "dtype": "bfloat16", "max_position_embeddings": 512}
RUN = "finexpert-20261129-154708-83e0"


def deployment(*, gated: bool = False, outcome: str = "accepted", model: str = weights.LLAMA_2_7B) -> Any:
    stored = FakeS3({"base/config.json": json.dumps(TINY).encode(), "base/model.safetensors": b"x" * 2600})
    execution = {
        "input": json.dumps({"dataset": "s3://data/datasets/letters-1a2b3c4d/"}),
        "output": json.dumps({"outcome": outcome}),
    }
    states = SimpleNamespace(
        describe_execution=lambda executionArn: execution,
        exceptions=SimpleNamespace(ExecutionDoesNotExist=LookupError),
    )
    clients = {"s3": stored, "stepfunctions": states}
    return fakes.deployment(
        clients,
        output=lambda part, key: "arn:aws:states:r:a:stateMachine:m" if part == "Training" else "data",
        own_weights=not gated,
        licensed_model=model,
        base_model_location=lambda bucket: "s3://data/base/",
    )


@pytest.fixture(autouse=True)
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = f"s3://b/runs/{RUN}/output/model.tar.gz"
    stack = Hosting(stack="H", state=HostingState.AWAKE, status="", artifact=artifact)
    monkeypatch.setattr(switch, "read", lambda deployment: stack)
    monkeypatch.setattr(names, "read", lambda deployment: {})
    monkeypatch.setattr(switch, "models", lambda deployment: {"base": "a", "tuned": "b"})


def test_the_tuned_model_is_named_by_base_data_and_run() -> None:
    base, tuned = answerers.who(deployment(gated=True))
    assert base.description == "Llama 2 7B, not trained further"
    assert tuned.description == f"Llama 2 7B, trained on letters (run {RUN})"
    assert (tuned.outcome, tuned.warnings, base.warnings) == ("accepted", (), ())


def test_the_name_that_people_gave_the_run_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "read", lambda deployment: {RUN: "Calls of 2025"})
    _, tuned = answerers.who(deployment(gated=True))
    assert tuned.description == f"Llama 2 7B, trained on letters (“Calls of 2025”, run {RUN})"


@pytest.mark.parametrize(
    ("evaluation", "outcome", "warning"),
    [
        ({"passed": True}, "accepted", ""),
        ({"passed": False}, "rejected", "Not accepted by the quality gate"),
        (None, "unknown", "Whether the quality gate accepted it is no longer known."),
    ],
)
def test_a_run_that_aws_has_forgotten_is_judged_by_its_evaluation(
    monkeypatch: pytest.MonkeyPatch, evaluation: Any, outcome: str, warning: str
) -> None:
    def forgotten(deployment: object, run: str) -> None:
        raise NotFound("There is no such run.")

    monkeypatch.setattr(executions, "describe", forgotten)
    monkeypatch.setattr(executions, "evaluation", lambda deployment, run: evaluation)
    _, tuned = answerers.who(deployment(gated=True))
    assert (tuned.outcome, tuned.data) == (outcome, "")
    assert [text for text in tuned.warnings if text.startswith(warning)] == list(tuned.warnings)


@pytest.mark.parametrize("outcome", ["rejected", ""])
def test_a_model_that_the_gate_did_not_accept_says_so(outcome: str) -> None:
    base, tuned = answerers.who(deployment(gated=True, outcome=outcome))
    assert [text.partition(":")[0] for text in tuned.warnings] == ["Not accepted by the quality gate"]
    assert base.warnings == ()


def test_a_practice_model_says_that_its_sentences_mean_nothing() -> None:
    for each in answerers.who(deployment()):
        assert each.base == Base(
            name="Llama with 0.0 million parameters", parameters=1300, context_tokens=512
        )
        assert "its sentences mean nothing" in each.warnings[0]
        assert each.as_json()["base"]["practice"] is True


def test_weights_that_cannot_be_read_are_known_by_their_place() -> None:
    closed = deployment()
    closed.target.client("s3").objects.clear()
    assert answerers.base_model(closed) == Base(name="base")


@pytest.mark.parametrize(
    ("config", "size", "name", "context"),
    [
        ({"_name_or_path": "org/SmolLM2-135M-Instruct", "max_position_embeddings": 8192}, 269_000_000,
         "SmolLM2-135M-Instruct", 4096),
        ({"model_type": "qwen2", "torch_dtype": "float32"}, 2_000_000_000,
         "Qwen2 with 500 million parameters",
         4096),
        ({}, 0, "Model", 4096),
    ],
)  # fmt: skip
def test_a_base_is_named_by_its_configuration(config: Any, size: int, name: str, context: int) -> None:
    found = described(config, size)
    assert (found.name, found.context_tokens, found.practice) == (name, context, False)


def test_a_base_model_alone_has_no_run() -> None:
    assert Answerer(model="base", base=Base(name="B")).as_json()["run"] == ""


def test_another_model_of_jumpstart_is_named_by_its_id() -> None:
    base, _ = answerers.who(deployment(gated=True, model="huggingface-llm-mistral-7b"))
    assert base.description == "huggingface-llm-mistral-7b, not trained further"
    assert base.warnings == ()
